create or replace function tideway_private.table_trouble(map tideway.mappings, writes boolean default true)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_hidden  boolean;
  v_rights  text;
begin
  if not exists (select from pg_catalog.pg_class c where c.oid = map.local_table) then
    return jsonb_build_object('code', 'TABLE_MISSING', 'message',
      format('Table %s is gone. Create it again and call tideway.map(…) once more, or tideway.unmap(%L).', map.local_name, map.name));
  elsif map.shape is distinct from tideway_private.shape_of(map.local_table, tideway_private.mapped_columns(map)) then
    return jsonb_build_object('code', 'SHAPE_CHANGED', 'message',
      format('Columns of %s that mapping "%s" uses were changed. Look with tideway.validate_mapping(%L), then tideway.resume(%L).',
             map.local_name, map.name, map.name, map.name));
  elsif not tideway_private.runner_stands(map.run_as) then
    return jsonb_build_object('code', 'RUN_AS_MISSING', 'message',
      format('Role "%s", with whose rights mapping "%s" runs, has no runner. Call tideway.map(…) again as that role.', map.run_as, map.name));
  end if;

  -- A right that was taken away would fail every page and every batch. Who only reads seldom has less than the whole table.
  if writes or not (
    pg_catalog.has_table_privilege(map.run_as, map.local_table, 'select')
    and pg_catalog.has_schema_privilege(map.run_as, (select c.relnamespace from pg_catalog.pg_class c where c.oid = map.local_table), 'usage')) then
    select string_agg(concat_ws(' ', r.problem, r.mend), ' ') into v_rights from tideway_private.missing_rights(map) r;
  end if;
  if v_rights is not null then
    return jsonb_build_object('code', 'PERMISSION_DENIED', 'message', format('%s Then: select tideway.resume(%L);', v_rights, map.name));
  end if;

  -- A policy would make rows look deleted without any error.
  execute format('select r.flag from tideway_run.%I((select s.sql from tideway_private.statements s where s.mapping = $1 and s.kind = ''guard''), null, null, null) r', map.run_as)
     into v_hidden using map.number;
  if v_hidden then
    return jsonb_build_object('code', 'ROWS_HIDDEN', 'message',
      format('Row-level security hides rows of %s from role "%s". Give it a policy that shows them all, or make it the owner, then tideway.resume(%L).',
             map.local_name, map.run_as, map.name));
  end if;
  return null;
end;
$$;

comment on function tideway_private.table_trouble(tideway.mappings, boolean) is
  'Why a mapping''s table cannot be trusted now: gone, changed, or with rows hidden, or not open to its role (writes: for writing as well); null when all is well.';
