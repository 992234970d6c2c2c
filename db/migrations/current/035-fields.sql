-- How often a column got a new meaning, so that an image of an earlier one is never read for it.
set local role tideway_owner;

create table if not exists tideway_private.used_fields (
  mapping  integer not null references tideway.mappings (number) on delete cascade,
  org_id   text    not null,
  local    text    not null,
  number   integer not null check (number > 0),
  primary key (mapping, local)
);

alter table tideway.mapping_columns
  add column if not exists wanted_direction text check (wanted_direction in ('pull', 'push', 'both'));

reset role;
