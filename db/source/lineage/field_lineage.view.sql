create or replace view tideway.field_lineage with (security_invoker = true) as
select l.id, l.org_id, l.entity_type, l.entity_id, f.field_name, l.source_type, l.source_id, f.source_ref, f.previous_value, f.new_value,
       l.sync_run_id, l.changed_by, l.changed_at
  from tideway_private.field_lineage l
  cross join lateral (
    select l.field_name, l.source_ref, l.previous_value, l.new_value
     where l.field_name <> '*'
    union all
    select coalesce(c.local, e.key), concat_ws(' → ', l.source_ref, coalesce(r.title, c.remote, e.key)), null, e.value
      from pg_catalog.jsonb_each(case when l.field_name = '*' and pg_catalog.jsonb_typeof(l.new_value) = 'object' then l.new_value else '{}' end) e
      left join tideway.mappings m on m.number = l.mapping
      left join tideway.mapping_columns c on c.mapping_id = m.id and c.field = e.key
      left join tideway.remote_columns r on r.connection_id = m.connection_id and r.remote_table = m.remote_table and r.name = c.remote
  ) f;

comment on view tideway.field_lineage is
'Where did each value come from? One row per field that a sync or a person changed; a created record shows one row per field.

Insert a row to note a change made by hand: insert into tideway.field_lineage (entity_type, entity_id, field_name, new_value) values (…).

  select * from tideway.field_lineage where entity_type = ''partners'' and entity_id = ''42'' and field_name = ''email'' order by changed_at desc;';
comment on column tideway.field_lineage.id is 'The stored change; the fields of one created record share it.';
comment on column tideway.field_lineage.org_id is 'The organisation.';
comment on column tideway.field_lineage.entity_type is 'The table here, without its schema.';
comment on column tideway.field_lineage.entity_id is 'The row''s key, as text.';
comment on column tideway.field_lineage.field_name is 'The column that changed.';
comment on column tideway.field_lineage.source_type is 'The app that the value came from, or app for a change by hand.';
comment on column tideway.field_lineage.source_id is 'The connection; null for a change by hand.';
comment on column tideway.field_lineage.source_ref is 'The place in the words of the app: Master Sheet → Column B.';
comment on column tideway.field_lineage.previous_value is 'The value before; null for a created record.';
comment on column tideway.field_lineage.new_value is 'The value after.';
comment on column tideway.field_lineage.sync_run_id is 'The run that made the change.';
comment on column tideway.field_lineage.changed_by is 'The person, for a change by hand.';
comment on column tideway.field_lineage.changed_at is 'When.';
