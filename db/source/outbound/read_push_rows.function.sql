create or replace function tideway_private.read_push_rows(map tideway.mappings, sql jsonb, statement text, keys text[], images jsonb[] default null)
returns table (key text, a jsonb, b jsonb, flag boolean, problem jsonb)
language plpgsql
volatile
set search_path = ''
set plan_cache_mode = auto
as $$
#variable_conflict use_column
declare
  v_count   integer := coalesce(cardinality(keys), 0);
  v_half    integer := v_count / 2;
  v_message text;
  v_image   jsonb;
  v_name    text;
  v_column  text;
begin
  if v_count = 0 then
    return;
  end if;
  begin
    -- The runner hands its rows over only when it has them all, so nothing is returned of a statement that fails.
    return query execute format('select r.key, r.a, r.b, r.flag, null::jsonb from tideway_run.%I($1, null, $2, $3) r', map.run_as)
      using statement, keys, images;
    return;
  exception when others then
    if tideway_private.is_server_trouble(sqlstate) then
      raise;
    end if;
    v_message := sqlerrm;
  end;
  if v_count > 1 then
    return query select * from tideway_private.read_push_rows(map, sql, statement, keys[1 : v_half], images[1 : v_half]);
    return query select * from tideway_private.read_push_rows(map, sql, statement, keys[v_half + 1 :], images[v_half + 1 :]);
    return;
  end if;

  -- One row is left: which column's transform raises is asked one by one.
  execute format('select r.a from tideway_run.%I($1, null, $2, null) r', map.run_as) into v_image using sql ->> 'read_rows', keys;
  begin
    execute format('select null from tideway_run.%I($1, null, $2, $3) r', map.run_as) using sql ->> 'payload_of', keys, array['{}'::jsonb];
    for v_name in select k from jsonb_object_keys(v_image) k loop
      begin
        execute format('select r.a from tideway_run.%I($1, null, $2, $3) r', map.run_as)
          using sql ->> 'payload_of', keys, array[jsonb_build_object(v_name, v_image -> v_name)];
      exception when others then
        select m.local into v_column from tideway.mapping_columns m where m.mapping_id = map.id and m.field = v_name;
        exit;
      end;
    end loop;
  exception when others then
    null;
  end;
  return query select keys[1], v_image, null::jsonb, true,
    jsonb_build_object('class', 'TRANSFORM_ERROR', 'code', 'TRANSFORM_ERROR', 'message', v_message, 'column', v_column);
end;
$$;

comment on function tideway_private.read_push_rows(tideway.mappings, jsonb, text, text[], jsonb[]) is
  'Reads rows as the app should see them; a transform or filter that raises is found by halving and costs only its row.';
