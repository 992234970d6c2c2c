create or replace view tideway.held_deletions with (security_invoker = true) as
select d.id, m.name as mapping, d.gone_side, k.local_key, k.remote_id, d.run_id, d.found_at,
       now() - d.found_at as held_for, m.max_delete_ratio, d.org_id
  from tideway_private.deletions d
  join tideway.mappings m on m.number = d.mapping
  join tideway_private.links k on k.id = d.link_id
 where d.state = 'held';

comment on view tideway.held_deletions is
'Which deletions are held because they were too many at once? One row per row that would be deleted.

  select mapping, gone_side, run_id, count(*) from tideway.held_deletions group by 1, 2, 3;';
comment on column tideway.held_deletions.id is 'The deletion.';
comment on column tideway.held_deletions.mapping is 'The mapping.';
comment on column tideway.held_deletions.gone_side is 'The side where the row is gone; the other side would lose it.';
comment on column tideway.held_deletions.local_key is 'The row here.';
comment on column tideway.held_deletions.remote_id is 'The record there.';
comment on column tideway.held_deletions.run_id is 'The run that found it, null when the log told it; approve_deletions takes it, or the mapping.';
comment on column tideway.held_deletions.found_at is 'When it was found.';
comment on column tideway.held_deletions.held_for is 'How long it has been held.';
comment on column tideway.held_deletions.max_delete_ratio is 'The share of rows that may go at once.';
comment on column tideway.held_deletions.org_id is 'The organisation.';
