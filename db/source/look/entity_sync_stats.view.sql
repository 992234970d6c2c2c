create or replace view tideway.entity_sync_stats with (security_invoker = true) as
select s.local_table as entity, s.org_id, count(*) as mappings, array_agg(s.mapping order by s.mapping) as mapping_names,
       sum(s.rows)::bigint as linked_rows, max(s.last_success_at) as last_sync_at,
       sum(s.marks + s.in_flight + s.waiting_retry)::bigint as pending_rows, sum(s.failed)::bigint as failed_rows, sum(s.conflicts)::bigint as open_conflicts,
       max(s.last_error_at) as last_error_at, max(s.lag) as lag,
       count(*) filter (where s.state <> 'active') as inactive_mappings
  from tideway.mapping_status s
 group by s.local_table, s.org_id
 order by s.local_table;

comment on view tideway.entity_sync_stats is
'How far is each of your tables in step? One row per mapped table, over all its mappings.

  select entity, linked_rows, pending_rows, failed_rows, last_sync_at from tideway.entity_sync_stats;';
comment on column tideway.entity_sync_stats.entity is 'The table here.';
comment on column tideway.entity_sync_stats.org_id is 'The organisation.';
comment on column tideway.entity_sync_stats.mappings is 'How many mappings it has.';
comment on column tideway.entity_sync_stats.mapping_names is 'Their names.';
comment on column tideway.entity_sync_stats.linked_rows is 'Links over all mappings; a row linked to two apps counts twice.';
comment on column tideway.entity_sync_stats.last_sync_at is 'When a run of it last completed.';
comment on column tideway.entity_sync_stats.pending_rows is 'Rows waiting, in flight or to be tried again.';
comment on column tideway.entity_sync_stats.failed_rows is 'Open errors.';
comment on column tideway.entity_sync_stats.open_conflicts is 'Open conflicts.';
comment on column tideway.entity_sync_stats.last_error_at is 'When an open error was last seen.';
comment on column tideway.entity_sync_stats.lag is 'How long its oldest row waits to be pushed.';
comment on column tideway.entity_sync_stats.inactive_mappings is 'Mappings that do not run.';
