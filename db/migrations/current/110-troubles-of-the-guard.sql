set local role tideway_owner;

-- What the guard found that only the owner of a table can mend: code, message, mend.
alter table tideway_private.positions add column if not exists troubles jsonb not null default '[]';

reset role;
