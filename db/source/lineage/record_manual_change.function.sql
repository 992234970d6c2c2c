create or replace function tideway.record_manual_change(
  local_table     regclass,
  key             jsonb,
  field           text,
  new_value       jsonb,
  previous_value  jsonb default null,
  note            text default null
)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_id uuid;
begin
  if not exists (select from tideway_private.table_columns(record_manual_change.local_table) c where c.name = record_manual_change.field) then
    raise exception 'The table % has no column "%".', record_manual_change.local_table, record_manual_change.field
      using errcode = 'TWARG', hint = 'The field is the name of a column of the table.';
  end if;
  insert into tideway.field_lineage (entity_type, entity_id, field_name, source_type, source_ref, previous_value, new_value)
  values ((select c.relname from pg_catalog.pg_class c where c.oid = record_manual_change.local_table),
          tideway_private.entity_key(record_manual_change.local_table, record_manual_change.key),
          record_manual_change.field, 'app', record_manual_change.note, record_manual_change.previous_value, record_manual_change.new_value)
  returning id into v_id;
  return v_id;
end;
$$;

comment on function tideway.record_manual_change(regclass, jsonb, text, jsonb, jsonb, text) is
'Notes in the lineage that a person changed a field, with the caller as the person; returns the entry''s id. The row itself is not touched.

  select tideway.record_manual_change(''app.partners'', ''42'', ''email'', ''"new@example.com"'', ''"old@example.com"'', ''called in'');';
