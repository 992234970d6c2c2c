create or replace function tideway_private.stop_mapping(map tideway.mappings, trouble jsonb)
returns jsonb
language sql
volatile
set search_path = ''
as $$
  with stopped as (
    update tideway.mappings m
       set state = 'paused',
           paused_at = pg_catalog.clock_timestamp(),
           paused_code = trouble ->> 'code',
           paused_reason = trouble ->> 'message'
     where m.id = map.id
       and m.state <> 'paused'
    returning m.org_id, m.id, m.connection_id, m.local_name
  ), logged as (
    insert into tideway.sync_activity_log (org_id, mapping_id, connection_id, entity_type, action, status, error_message, error_details)
    select s.org_id, s.id, s.connection_id, s.local_name, 'pause', 'failed', trouble ->> 'message', trouble
      from stopped s
    returning 1
  )
  select pg_catalog.jsonb_build_object('stopped', trouble)
$$;

comment on function tideway_private.stop_mapping(tideway.mappings, jsonb) is
  'Pauses one mapping, with the reason and its mend, and logs it; the others go on.';
