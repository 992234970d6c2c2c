set local role tideway_owner;

-- Returns more than before.
drop function if exists tideway_private.pull_mappings(integer);

-- A poll a minute that finds nothing leaves 1,440 runs a day that tell nobody anything.
alter table tideway.retention drop constraint if exists retention_kind_check;
alter table tideway.retention add constraint retention_kind_check
  check (kind in ('activity', 'lineage', 'runs', 'polls', 'errors', 'conflicts', 'statistics', 'progress'));
insert into tideway.retention (kind, keep) values ('polls', '1 day') on conflict (kind) do nothing;

reset role;
