create or replace function tideway_private.convert_records(map tideway.mappings, statement text, ords integer[], fields jsonb[])
returns table (ord integer, key text, a jsonb, b jsonb, c jsonb)
language plpgsql
volatile
set search_path = ''
set plan_cache_mode = auto
as $$
#variable_conflict use_column
declare
  v_count   integer := coalesce(cardinality(ords), 0);
  v_run     text := format('select r.ord, r.key, r.a, r.b, r.c from tideway_run.%I($1, $2, null, $3) r', map.run_as);
  v_blind   boolean := false;
  v_name    text;
  v_message text;
  v_faults  jsonb := '[]';
  v_fields  jsonb;
  v_result  record;
begin
  if v_count = 0 then
    return;
  end if;
  begin
    -- The runner hands its rows over only when it has them all, so nothing is returned of a statement that fails.
    return query execute v_run using statement, ords, fields;
    return;
  exception when others then
    if tideway_private.is_server_trouble(sqlstate) then
      raise;
    end if;
    v_message := sqlerrm;
  end;
  if v_count > 1 then
    return query select * from tideway_private.convert_records(map, statement, ords[1 : v_count / 2], fields[1 : v_count / 2]);
    return query select * from tideway_private.convert_records(map, statement, ords[v_count / 2 + 1 :], fields[v_count / 2 + 1 :]);
    return;
  end if;

  -- One record is left: its columns are tried alone, and those whose transform raises are left out.
  v_fields := fields[1];
  begin
    execute v_run into v_result using statement, ords, array['{}'::jsonb];
  exception when others then
    v_blind := true;
  end;
  for v_name in select k from jsonb_object_keys(v_fields) k where not v_blind loop
    begin
      execute v_run into v_result using statement, ords, array[jsonb_build_object(v_name, v_fields -> v_name)];
    exception when others then
      v_faults := v_faults || coalesce((select jsonb_agg(jsonb_build_object('class', 'TRANSFORM_ERROR', 'code', 'TRANSFORM_ERROR', 'message', sqlerrm,
                                          'column', m.local, 'field', m.field))
                                          from tideway.mapping_columns m where m.mapping_id = map.id and m.remote = v_name), '[]');
      v_fields := v_fields - v_name;
    end;
  end loop;
  begin
    execute v_run into v_result using statement, ords, array[v_fields];
    return query select v_result.ord, v_result.key, v_result.a, coalesce(v_result.b, '[]') || v_faults, v_result.c;
  exception when others then
    return query select ords[1], null::text, '{}'::jsonb, jsonb_build_array(jsonb_build_object('class', 'TRANSFORM_ERROR', 'code', 'TRANSFORM_ERROR', 'message', v_message)), null::jsonb;
  end;
end;
$$;

comment on function tideway_private.convert_records(tideway.mappings, text, integer[], jsonb[]) is
  'Converts records as the mapping''s role; a transform that raises is found by halving and becomes a fault of its column.';
