create or replace view tideway.open_conflicts with (security_invoker = true) as
select x.id, m.name as mapping, x.local_key, x.remote_id, x."column", x.kind, x.policy, x.old_value, x.local_value, x.remote_value,
       x.detected_at, x.updated_at, x.run_id, x.org_id
  from tideway.conflicts x
  left join tideway.mappings m on m.id = x.mapping_id
 where x.resolved_at is null
 order by x.detected_at desc;

comment on view tideway.open_conflicts is
'Where do both sides disagree, waiting for somebody to choose? One row per field.

  select id, mapping, local_key, "column", local_value, remote_value from tideway.open_conflicts;
  select tideway.resolve_conflict(id, ''local'') from tideway.open_conflicts where mapping = ''products'';';
comment on column tideway.open_conflicts.id is 'The conflict; resolve_conflict takes it.';
comment on column tideway.open_conflicts.mapping is 'The mapping.';
comment on column tideway.open_conflicts.local_key is 'The row here.';
comment on column tideway.open_conflicts.remote_id is 'The record there.';
comment on column tideway.open_conflicts."column" is 'The field.';
comment on column tideway.open_conflicts.kind is 'What kind of conflict.';
comment on column tideway.open_conflicts.policy is 'The policy that left it open.';
comment on column tideway.open_conflicts.old_value is 'What both last agreed on.';
comment on column tideway.open_conflicts.local_value is 'The value here.';
comment on column tideway.open_conflicts.remote_value is 'The value there.';
comment on column tideway.open_conflicts.detected_at is 'When it was found.';
comment on column tideway.open_conflicts.updated_at is 'When either side last changed it.';
comment on column tideway.open_conflicts.run_id is 'The run that found it.';
comment on column tideway.open_conflicts.org_id is 'The organisation.';
