create or replace function tideway.map(
  name          text,
  connection    text,
  remote_table  text,
  local_table   regclass,
  columns       jsonb default null,
  key           text[] default null,
  direction     text default 'both',
  options       jsonb default '{}'
)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_connection tideway.connections;
  v_old        tideway.mappings;
  v_map        tideway.mappings;
  v_settings   jsonb;
  v_columns    jsonb := map.columns;
  v_linked     boolean := false;
  v_list       tideway.mapping_columns[];
  v_known      tideway.mapping_columns[];
  v_errors     text[];
  v_row        record;
begin
  perform tideway_private.raise_invalid_name('mapping', map.name);
  v_connection := tideway_private.named_connection(map.connection);
  if map.local_table is null or coalesce(map.remote_table, '') = '' then
    perform tideway_private.raise_invalid_mapping(map.name, array['Name a remote table and a local table.']);
  end if;
  select array_agg(concat_ws(' ', t.problem, t.mend)) into v_errors from tideway_private.table_problems(map.local_table) t;
  if v_errors is not null then
    perform tideway_private.raise_invalid_mapping(map.name, v_errors);
  end if;
  perform tideway_private.one_of('direction', map.direction,
    array['both', 'pull', 'push', 'to_supabase', 'to_postgres', 'to_' || v_connection.system]);
  v_settings := tideway_private.read_options(map.name, coalesce(map.options, '{}'));

  -- The mapping of that name; else one that was unmapped and has the same identity, whose links it takes over.
  v_map.key_columns := coalesce(map.key, tideway_private.default_key(map.local_table));
  if coalesce(cardinality(v_map.key_columns), 0) = 0 then
    perform tideway_private.raise_invalid_mapping(map.name, array[format('%s has no key. Add one: alter table %s add primary key (...); or name a unique one in key.',
      map.local_table, map.local_table)]);
  end if;
  select * into v_old from tideway.mappings m
   where m.org_id = v_connection.org_id and m.name = map.name and m.state <> 'unmapped' for update;
  if v_old.id is null then
    select * into v_old from tideway.mappings m
     where m.org_id = v_connection.org_id and m.state = 'unmapped' and m.paused_code is distinct from 'FORGET'
       and (m.connection_id, m.remote_table, m.local_table, m.key_columns)
           = (v_connection.id, map.remote_table, map.local_table, v_map.key_columns)
     order by m.name = map.name desc, m.number
     limit 1
     for update;
  end if;

  v_map := jsonb_populate_record(v_old, v_settings || jsonb_build_object(
    'name', map.name,
    'connection_id', v_connection.id,
    'remote_table', map.remote_table,
    'key_columns', to_jsonb(v_map.key_columns),
    'direction', case map.direction when 'both' then 'both' when 'pull' then 'pull' when 'push' then 'push'
                   when 'to_supabase' then 'pull' when 'to_postgres' then 'pull' else 'push' end));
  v_map.local_table := map.local_table;
  v_map.org_id := v_connection.org_id;
  v_map.local_name := map.local_table::text;
  v_map.run_as := coalesce(v_settings ->> 'run_as', tideway_private.default_run_as(map.local_table));
  v_map.created_by := coalesce(v_old.created_by, tideway.current_user_id(), current_user);
  -- A shadow that was lifted by promote stays lifted only until somebody asks for it again.
  if v_old.id is not null and v_old.state = 'unmapped' then
    v_map.state := 'draft';
    v_map.paused_at := null;
    v_map.paused_reason := null;
    v_map.paused_code := null;
  end if;

  perform tideway_private.defining(true);
  -- The old bearer of the name keeps its links under another one.
  update tideway.mappings m
     set name = left(m.name, 40) || '~' || m.number
   where m.org_id = v_map.org_id and m.name = map.name and m.state = 'unmapped' and m.id is distinct from v_old.id;

  if v_old.id is null then
    v_map.id := gen_random_uuid();
    v_map.state := 'draft';
    insert into tideway.mappings
      (id, org_id, name, connection_id, remote_table, local_table, local_name, key_columns, direction, run_as, shadow,
       local_filter, remote_filter, pattern, only_listed, on_filter_exit, schedule, sweep_schedule, windows, settle,
       on_remote_delete, on_local_delete, on_detach, max_delete_ratio, match_on, max_attempts, retry_base, retry_cap,
       priority, after_run, invalidate, read, item_type, lineage, log_rows, claims, created_by)
    values
      (v_map.id, v_map.org_id, v_map.name, v_map.connection_id, v_map.remote_table, v_map.local_table, v_map.local_name, v_map.key_columns, v_map.direction, v_map.run_as, v_map.shadow,
       v_map.local_filter, v_map.remote_filter, v_map.pattern, v_map.only_listed, v_map.on_filter_exit, v_map.schedule, v_map.sweep_schedule, v_map.windows, v_map.settle,
       v_map.on_remote_delete, v_map.on_local_delete, v_map.on_detach, v_map.max_delete_ratio, v_map.match_on, v_map.max_attempts, v_map.retry_base, v_map.retry_cap,
       v_map.priority, v_map.after_run, v_map.invalidate, v_map.read, v_map.item_type, v_map.lineage, v_map.log_rows, v_map.claims, v_map.created_by)
    returning * into v_map;
  end if;

  -- Columns left out are inferred once; later calls keep what the first one found.
  if v_columns is null and v_old.id is not null and v_old.state <> 'unmapped' then
    v_columns := tideway_private.columns_as_json(v_old.id);
  elsif v_columns is null then
    select jsonb_agg(jsonb_build_object('local', s.local, 'remote', s.remote, 'type', s.type) order by s.local) into v_columns
      from tideway.suggest_columns(map.connection, map.remote_table, map.local_table) s
     where s.score >= 0.8;
    if v_columns is null then
      perform tideway_private.raise_invalid_columns(map.name, array[case
        when exists (select from tideway.remote_columns r where r.connection_id = v_connection.id and r.remote_table = map.remote_table)
          then 'No column of the app resembles one of the table; give the columns.'
        else format('The columns of "%s" have not been read yet, so none can be inferred. Give the columns, or first: select tideway.discover(%L);', map.remote_table, v_connection.name)
      end]);
    end if;
  end if;
  v_list := array(select c from tideway_private.read_columns(v_map, v_columns) c);
  v_known := array(select c from tideway.mapping_columns c where c.mapping_id = v_map.id order by c.ordinal);
  v_linked := exists (select from tideway_private.links l where l.mapping = v_map.number);
  v_list := tideway_private.keep_fields(v_map, v_list, v_known, v_linked);
  -- What the app holds in a column that is new here is not known yet: nothing of it goes out before everything was read again.
  if v_linked and v_map.direction = 'both' and exists (select from unnest(v_list) w where w.direction = 'both' and w.field <> all (array(select k.field from unnest(v_known) k))) then
    v_map.first_read_at := null;
  end if;

  if v_old.id is not null and row(v_map.*) is not distinct from row(v_old.*) and v_list = v_known and tideway_private.runner_stands(v_map.run_as) then
    perform tideway_private.defining(false);
    return v_map.id;
  end if;

  if v_old.id is not null then
    if v_map.state = 'active' then
      v_map.state := 'pending';
    end if;
    update tideway.mappings m
       set (name, connection_id, remote_table, local_table, local_name, key_columns, direction, run_as, state, paused_at, paused_reason, paused_code, shadow,
            local_filter, remote_filter, pattern, only_listed, on_filter_exit, schedule, sweep_schedule, windows, settle,
            on_remote_delete, on_local_delete, on_detach, max_delete_ratio, match_on, max_attempts, retry_base, retry_cap,
            priority, after_run, invalidate, read, item_type, lineage, log_rows, claims, first_read_at)
         = (v_map.name, v_map.connection_id, v_map.remote_table, v_map.local_table, v_map.local_name, v_map.key_columns, v_map.direction, v_map.run_as, v_map.state, v_map.paused_at, v_map.paused_reason, v_map.paused_code, v_map.shadow,
            v_map.local_filter, v_map.remote_filter, v_map.pattern, v_map.only_listed, v_map.on_filter_exit, v_map.schedule, v_map.sweep_schedule, v_map.windows, v_map.settle,
            v_map.on_remote_delete, v_map.on_local_delete, v_map.on_detach, v_map.max_delete_ratio, v_map.match_on, v_map.max_attempts, v_map.retry_base, v_map.retry_cap,
            v_map.priority, v_map.after_run, v_map.invalidate, v_map.read, v_map.item_type, v_map.lineage, v_map.log_rows, v_map.claims, v_map.first_read_at)
     where m.id = v_map.id;
  end if;
  if v_list is distinct from v_known then
    delete from tideway.mapping_columns c where c.mapping_id = v_map.id;
    insert into tideway.mapping_columns select (c).* from unnest(v_list) c;
  end if;

  select array_agg(concat_ws(' ', p."column" || ':', p.problem, p.mend)) filter (where p.severity = 'error' and p.definition) into v_errors
    from tideway_private.mapping_problems(v_map) p;
  if v_errors is not null then
    perform tideway_private.raise_invalid_mapping(map.name, v_errors);
  end if;
  for v_row in select p.* from tideway_private.mapping_problems(v_map) p loop
    raise notice '%', concat_ws(' ', v_row."column" || ':', v_row.problem) using hint = v_row.mend;
  end loop;

  perform tideway_private.compile(v_map.number);
  perform tideway_private.defining(false);
  perform pg_notify('tideway_requests', v_connection.number::text);
  return v_map.id;
end;
$$;

comment on function tideway.map(text, text, text, regclass, jsonb, text[], text, jsonb) is
'Ties a table of an app to a table here; returns the mapping''s id. It is a draft until tideway.activate(name). Doing it again changes nothing.

A column is {"local", "remote", "type", "authority", "priority", "conflict", "in", "out", "direction"}, or the object {"x": {"glide_column_name", "supabase_column_name", "data_type"}}. Columns left out are inferred. Options: tideway_private.mapping_options(). Nothing is stored when something is wrong.

  select tideway.map(''products'', ''shop'', ''products'', ''public.products'',
    ''[{"local": "name", "remote": "Title"}, {"local": "price", "remote": "Price", "type": "number"}]'');';
