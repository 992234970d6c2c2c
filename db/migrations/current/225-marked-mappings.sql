-- It returns which mappings have marks, not how many marks there are.
set local role tideway_owner;
drop function if exists tideway_private.mark_changes(name, bigint, pg_lsn, oid[], text[], smallint[], bigint[], oid[], text[], text[], bigint[], oid[], text[], timestamptz);
reset role;
