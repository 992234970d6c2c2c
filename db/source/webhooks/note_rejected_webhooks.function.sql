create or replace function tideway_private.note_rejected_webhooks(connection integer, code text, message text, times integer)
returns void
language sql
volatile
set search_path = ''
as $$
  insert into tideway.sync_activity_log (org_id, connection_id, source_system, entity_type, action, status, record_count, error_message, metadata)
  select c.org_id, c.id, c.system, 'webhook', 'webhook_rejected', 'failed', note_rejected_webhooks.times, note_rejected_webhooks.message,
         pg_catalog.jsonb_build_object('code', note_rejected_webhooks.code, 'deliveries', note_rejected_webhooks.times)
    from tideway.connections c
   where c.number = note_rejected_webhooks.connection
$$;

comment on function tideway_private.note_rejected_webhooks(integer, text, text, integer) is
  'Logs deliveries that were not believed, many alike in one row: anybody can send garbage, and the log must not fill with it.';
