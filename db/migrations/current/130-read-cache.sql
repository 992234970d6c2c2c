-- How often the rows behind a read cache have changed, as every daemon sees it.
set local role tideway_owner;

create table if not exists tideway_private.read_versions (
  mapping  integer  primary key references tideway.mappings (number) on delete cascade,
  org_id   text     not null,
  version  bigint   not null default 1,
  -- Changes that were in the log before every snapshot showed them.
  xids     xid8[]   not null default '{}'
);

reset role;
