-- What the follower saw of each table when it last looked: a difference means that changes may have been missed.
set local role tideway_owner;

create table if not exists tideway_private.followed (
  slot         name        not null,
  relation     oid         not null,
  member       oid         not null,
  key_columns  text[]      not null,
  key_source   text        not null,
  partitions   jsonb       not null default '{}',
  seen_at      timestamptz not null default clock_timestamp(),
  primary key (slot, relation)
);

reset role;
