create or replace function tideway.field_origin(local_table regclass, key jsonb)
returns table (
  field text, value jsonb, applied boolean, source_type text, source_ref text, mapping text, connection text,
  authority text, changed_at timestamptz, changed_by text, sync_run_id uuid, previous_value jsonb
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_entity  text := (select c.relname from pg_catalog.pg_class c where c.oid = field_origin.local_table);
  v_key     text := tideway_private.entity_key(field_origin.local_table, field_origin.key);
begin
  return query
  with mapped as (
    select m.id, m.number, m.name as mapping, tideway_private.place_name(m, k.remote) as place, c.name as connection, c.system, l.local_image, l.remote_diff, l.synced_at,
           k.local, k.remote, k.field, k.authority
      from tideway.mappings m
      join tideway.connections c on c.id = m.connection_id
      join tideway_private.row_links l on l.mapping = m.number and l.local_key = v_key
      join tideway.mapping_columns k on k.mapping_id = m.id
     where m.local_table = field_origin.local_table
       and m.org_id = tideway.current_org_id()
  ), entries as (
    select distinct on (e.field_name) e.*, s.mapping as number
      from tideway.field_lineage e
      left join tideway_private.field_lineage s on s.id = e.id and s.changed_at = e.changed_at
     where e.entity_type = v_entity and e.entity_id = v_key and e.org_id = tideway.current_org_id()
     order by e.field_name, e.changed_at desc
  )
  select e.field_name, e.new_value, true, e.source_type, e.source_ref, p.mapping, p.connection, p.authority,
         e.changed_at, e.changed_by, e.sync_run_id, e.previous_value
    from entries e
    left join mapped p on p.number = e.number and p.local = e.field_name
  union all
  -- Without lineage the link still knows which app agreed on the value.
  select p.local, p.local_image -> p.field, true, p.system, p.place, p.mapping, p.connection, p.authority,
         p.synced_at, null, null, null
    from mapped p
   where p.local_image ? p.field
     and not exists (select from entries e where e.field_name = p.local)
  union all
  select p.local, p.remote_diff -> p.field, false, p.system, p.place, p.mapping, p.connection, p.authority,
         p.synced_at, null, null, null
    from mapped p
   where p.authority = 'reference'
     and p.remote_diff ? p.field
   order by 1, 3 desc, 9 desc;
end;
$$;

comment on function tideway.field_origin(regclass, jsonb) is
'Where did each value of a row come from? One row per field with its app, place, run and time; a reference value that was read but not written shows applied = false.

  select field, value, source_ref, changed_at from tideway.field_origin(''app.partners'', ''42'');';
