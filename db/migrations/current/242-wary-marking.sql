-- For how many calls marks are written as if their rows might be marked already.
set local role tideway_owner;
alter table tideway_private.positions add column if not exists wary smallint not null default 0;
reset role;
