create or replace function tideway_private.read_columns(map tideway.mappings, columns jsonb)
returns setof tideway.mapping_columns
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_variable
declare
  v_system   text;
  v_list     jsonb := '[]';
  v_item     jsonb;
  v_known    constant text[] := array['local', 'remote', 'type', 'authority', 'priority', 'conflict', 'in', 'out', 'direction'];
  v_names    text[] := array(select c.name from tideway_private.table_columns(map.local_table) c);
  v_problems text[] := '{}';
  v_repeated text[];
  v_label    text;
  v_key      text;
  v_n        integer := 0;
  v_transform record;
  v_local    record;
  v_remote   tideway.remote_columns;
  v_column   tideway.mapping_columns;
begin
  select c.system into v_system from tideway.connections c where c.id = map.connection_id;

  -- The array is ours; the object by column is that of requirements 00.
  if jsonb_typeof(columns) = 'array' then
    v_list := columns;
  elsif jsonb_typeof(columns) = 'object' then
    select coalesce(jsonb_agg(case when jsonb_typeof(e.value) <> 'object' then jsonb_build_object('local', e.key, 'remote', e.value) else
             (e.value - array['supabase_column_name', 'postgres_column_name', 'data_type', v_system || '_column_name', 'remote_column_name'])
             || jsonb_build_object(
                  'local', coalesce(e.value -> 'local', e.value -> 'supabase_column_name', e.value -> 'postgres_column_name'),
                  'remote', coalesce(e.value -> 'remote', e.value -> (v_system || '_column_name'), e.value -> 'remote_column_name', to_jsonb(e.key)),
                  'type', coalesce(e.value -> 'type', e.value -> 'data_type')) end order by e.n), '[]')
      into v_list
      from jsonb_each(columns) with ordinality as e (key, value, n);
  else
    perform tideway_private.raise_invalid_columns(map.name, array['The columns must be a list of objects, or an object by column.']);
  end if;
  if v_list = '[]' then
    perform tideway_private.raise_invalid_columns(map.name, array['There is no column.']);
  end if;

  for v_item in select e from jsonb_array_elements(v_list) e loop
    v_n := v_n + 1;
    if jsonb_typeof(v_item) <> 'object' then
      v_problems := v_problems || format('column %s: must be an object.', v_n);
      continue;
    end if;
    v_label := coalesce('"' || (v_item ->> 'local') || '"', 'column ' || v_n);
    v_item := jsonb_strip_nulls(v_item);

    for v_key in select k from jsonb_object_keys(v_item) k where k <> all (v_known) order by k loop
      v_problems := v_problems || format('%s: there is no key "%s"%s.', v_label, v_key,
        coalesce('; did you mean ' || tideway_private.nearest_names(v_key, v_known) || '?', '; known are ' || array_to_string(v_known, ', ')));
    end loop;
    for v_key in select k from unnest(array['local', 'remote']) k where jsonb_typeof(v_item -> k) is distinct from 'string' or v_item ->> k = '' loop
      v_problems := v_problems || format('%s: "%s" is missing.', v_label, v_key);
    end loop;
    continue when coalesce(v_item ->> 'local', '') = '' or coalesce(v_item ->> 'remote', '') = '';

    select * into v_local from tideway_private.table_columns(map.local_table) c where c.name = v_item ->> 'local';
    if not found then
      v_problems := v_problems || format('%s: %s has no such column%s.', v_label, map.local_name,
        coalesce('; did you mean ' || tideway_private.nearest_names(v_item ->> 'local', v_names) || '?', ''));
      continue;
    end if;
    select * into v_remote from tideway.remote_columns r
     where r.connection_id = map.connection_id and r.remote_table = map.remote_table and r.name = v_item ->> 'remote';

    v_column := null;
    v_column.mapping_id := map.id;
    v_column.org_id := map.org_id;
    v_column.ordinal := v_n;
    v_column.local := v_local.name;
    v_column.remote := v_item ->> 'remote';
    v_column.field := v_local.name;
    v_column.local_type := v_local.type;
    v_column.type := coalesce(v_item ->> 'type', v_remote.type, tideway_private.guess_type(v_local.type));
    v_column.authority := v_item ->> 'authority';
    v_column.conflict := v_item ->> 'conflict';
    v_column.is_key := v_local.name = any (map.key_columns);
    v_column.is_remote_id := v_column.remote in ('$rowID', '$id');

    if v_column.type <> all (tideway_private.field_types()) then
      v_problems := v_problems || format('%s: there is no type "%s"%s.', v_label, v_column.type,
        coalesce('; did you mean ' || tideway_private.nearest_names(v_column.type, tideway_private.field_types()) || '?',
                 '; known are ' || array_to_string(tideway_private.field_types(), ', ')));
    end if;
    if v_column.authority not in ('source_of_truth', 'reference', 'derived') then
      v_problems := v_problems || format('%s: authority must be source_of_truth, reference or derived.', v_label);
    end if;
    if v_column.conflict !~ '^(remote|local|delta(:(remote|local))?|manual|newest:.+)$' then
      v_problems := v_problems || format('%s: conflict must be remote, local, newest:column, delta, delta:local, delta:remote or manual.', v_label);
    end if;
    if v_item ? 'priority' and v_item ->> 'priority' !~ '^-?\d{1,9}$' then
      v_problems := v_problems || format('%s: priority must be a whole number.', v_label);
    else
      v_column.priority := coalesce((v_item ->> 'priority')::integer, 0);
    end if;
    if v_item ? 'direction' and v_item ->> 'direction' not in ('pull', 'push', 'both') then
      v_problems := v_problems || format('%s: direction must be pull, push or both.', v_label);
    end if;

    for v_key in select k from unnest(array['in', 'out']) k where v_item ? k loop
      select * into v_transform from tideway_private.read_transform(v_item ->> v_key);
      if v_transform.problem is not null then
        v_problems := v_problems || format('%s: in "%s", %s.', v_label, v_key, v_transform.problem);
      elsif v_key = 'in' then
        v_column.in_transform := v_transform.chain;
      else
        v_column.out_transform := v_transform.chain;
      end if;
    end loop;
    v_column.references_mapping := substring('|' || coalesce(v_column.in_transform, v_column.out_transform) from '\|lookup:([^|]+)');
    v_column.references_mapping := coalesce(v_column.references_mapping, substring('|' || v_column.out_transform from '\|lookup:([^|]+)'));

    v_column.wanted_direction := case when v_item ->> 'direction' in ('pull', 'push', 'both') then v_item ->> 'direction' end;
    -- What is wanted, less what either side cannot take.
    v_column.direction := case
      when v_column.authority = 'derived' then 'none'
      when map.direction <> 'both' and v_item ->> 'direction' in ('pull', 'push') and v_item ->> 'direction' <> map.direction then 'none'
      when v_item ->> 'direction' in ('pull', 'push') then v_item ->> 'direction'
      else map.direction
    end;
    if v_column.direction = 'both' and (v_local.generated or v_local.identity_always) then
      v_column.direction := 'push';
    end if;
    if v_column.direction in ('both', 'push') and (v_column.is_remote_id or not v_remote.writable and v_column.direction = 'both') then
      v_column.direction := case v_column.direction when 'both' then 'pull' else 'none' end;
    end if;
    return next v_column;
  end loop;

  select array_agg(format('"%s": is mapped %s times.', x.local, x.n)) into v_repeated
    from (select e ->> 'local' as local, count(*) as n from jsonb_array_elements(v_list) e where jsonb_typeof(e) = 'object' group by 1 having count(*) > 1 and e ->> 'local' is not null) x;
  v_problems := v_problems || coalesce(v_repeated, '{}');
  select array_agg(format('"%s": the app''s column is mapped %s times.', x.remote, x.n)) into v_repeated
    from (select e ->> 'remote' as remote, count(*) as n from jsonb_array_elements(v_list) e where jsonb_typeof(e) = 'object' group by 1 having count(*) > 1 and e ->> 'remote' is not null) x;
  v_problems := v_problems || coalesce(v_repeated, '{}');

  if v_problems <> '{}' then
    perform tideway_private.raise_invalid_columns(map.name, v_problems);
  end if;
end;
$$;

comment on function tideway_private.read_columns(tideway.mappings, jsonb) is
  'Reads the columns of map in either form; raises TWCOL with every problem at once.';
