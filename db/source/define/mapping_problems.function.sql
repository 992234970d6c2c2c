create or replace function tideway_private.mapping_problems(map tideway.mappings)
returns table (severity text, "column" text, problem text, mend text, definition boolean)
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_table      record;
  v_connection tideway.connections;
  v_system     tideway.systems;
  v_remote     tideway.remote_tables;
  v_name       text := map.local_name;
  v_read       boolean;
  v_pulls      boolean := map.direction in ('pull', 'both');
  v_pushes     boolean := map.direction in ('push', 'both');
  v_published  boolean := map.direction in ('push', 'both') or map.read is not null;
  v_row        record;
  v_names      text[];
  v_text       text;
begin
  -- definition: what map itself refuses. The rest depends on what else there is by the time it is activated.
  select c.*, n.nspname, pg_catalog.format('%I.%I', n.nspname, c.relname) as full_name,
         o.rolname as owner, o.rolsuper as owner_super
    into v_table
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_roles o on o.oid = c.relowner
   where c.oid = map.local_table;
  if not found then
    return query values ('error', null::text, format('The table %s does not exist any more.', v_name),
                         format('Restore it, or: select tideway.unmap(%L);', map.name), true);
    return;
  end if;
  v_name := v_table.full_name;

  return query select 'error', null::text, t.problem, t.mend, true from tideway_private.table_problems(map.local_table) t;
  if found then
    return;
  end if;
  if v_published and v_table.relpersistence <> 'p' then
    return query values ('error', null::text, format('%s is not logged, so its changes cannot be followed.', v_name),
                         format('alter table %s set logged;', v_name), true);
  end if;

  select * into v_connection from tideway.connections c where c.id = map.connection_id;
  select * into v_system from tideway.systems s where s.system = v_connection.system;
  select * into v_remote from tideway.remote_tables r where r.connection_id = map.connection_id and r.name = map.remote_table;
  v_read := exists (select from tideway.remote_tables r where r.connection_id = map.connection_id);
  v_names := array(select c.name from tideway_private.table_columns(map.local_table) c);

  -- The key.
  for v_row in
    select k.name, c.name is not null as present, c.not_null, c.type, tideway_private.base_type(c.type) as base, c.default_expression,
           m.local is not null as mapped, m.direction,
           coalesce((select not l.collisdeterministic from pg_catalog.pg_attribute a join pg_catalog.pg_collation l on l.oid = a.attcollation
                      where a.attrelid = map.local_table and a.attname = k.name), false) as folds
      from unnest(map.key_columns) as k (name)
      left join tideway_private.table_columns(map.local_table) c using (name)
      left join tideway.mapping_columns m on m.mapping_id = map.id and m.local = k.name
  loop
    if not v_row.present then
      return query values ('error', v_row.name, format('The key column "%s" does not exist in %s.', v_row.name, v_name),
        coalesce('Did you mean ' || tideway_private.nearest_names(v_row.name, v_names) || '?', 'Name columns of the table in key.'), true);
      continue;
    end if;
    if not v_row.not_null then
      return query values ('error', v_row.name, format('The key column "%s" may be null.', v_row.name),
        format('alter table %s alter column %I set not null;', v_name, v_row.name), true);
    end if;
    if v_row.base in ('real', 'double precision', 'interval', 'money', 'json', 'jsonb', 'xml', 'point', 'time with time zone', 'citext')
       or v_row.base like '%[]' or v_row.folds
    then
      return query values ('error', v_row.name, format('A key of type %s does not come back from its text as the same key.', v_row.type),
        'Use a key of type bigint, uuid, text, date or numeric with a scale.', true);
    elsif v_row.base = 'numeric' and v_row.type !~ '\(' then
      return query values ('warning', v_row.name, 'A key of type numeric without a scale writes 1 and 1.0 differently.',
        format('alter table %s alter column %I type bigint;', v_name, v_row.name), true);
    end if;
    if v_pulls and not (v_row.mapped and v_row.direction in ('pull', 'both')) and v_row.default_expression is null then
      return query values ('error', v_row.name, format('New records bring no value for the key column "%s", and it has no default.', v_row.name),
        format('Map it, or: alter table %s alter column %I set default ...;', v_name, v_row.name), true);
    end if;
  end loop;

  if not exists (
    select from pg_catalog.pg_index i
     where i.indrelid = map.local_table and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null
       and (select array_agg(a.attname::text order by a.attname) from pg_catalog.pg_attribute a
             where a.attrelid = i.indrelid and a.attnum = any ((i.indkey::smallint[])[0:i.indnkeyatts - 1]))
           = (select array_agg(k order by k) from unnest(map.key_columns) k))
  then
    return query values ('error', null::text, format('The key (%s) of %s is not unique.', array_to_string(map.key_columns, ', '), v_name),
      format('alter table %s add unique (%s);', v_name, (select string_agg(quote_ident(k), ', ') from unnest(map.key_columns) k)), true);
  end if;

  if v_published and v_table.relreplident <> 'f' and exists (
    select from unnest(map.key_columns) k
     where not exists (
       select from pg_catalog.pg_index i
         join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey::smallint[])
        where i.indrelid = map.local_table and a.attname = k
          and case v_table.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident else false end))
  then
    return query values ('error', null::text, format('A deleted row of %s does not name its key in the log.', v_name),
      case when exists (select from pg_catalog.pg_index i where i.indrelid = map.local_table and i.indisprimary) and v_table.relreplident = 'n'
        then format('alter table %s replica identity default;', v_name)
        else format('Use the primary key as key, or: alter table %s replica identity using index ...;', v_name) end, true);
  end if;

  if v_pushes and not exists (
    select from tideway.mapping_columns m where m.mapping_id = map.id and m.is_key and m.direction in ('push', 'both') and not m.is_remote_id)
  then
    return query values ('warning', map.key_columns[1], 'The key is in no column of the app, so a create whose answer is lost cannot be looked up.',
      'Map the key to a column of the app.', true);
  end if;

  -- Columns, one by one.
  for v_row in
    select m.*, c.name is not null as present, c.type as real_type, c.generated, c.identity_always,
           tideway_private.pull_expression('null', m.type, m.local_type, m.in_transform) as pull_sql,
           tideway_private.push_expression('null', m.type, m.local_type, m.out_transform) as push_sql
      from tideway.mapping_columns m
      left join tideway_private.table_columns(map.local_table) c on c.name = m.local
     where m.mapping_id = map.id
     order by m.ordinal
  loop
    if not v_row.present then
      return query values ('error', v_row.local, format('%s has no column "%s" any more.', v_name, v_row.local),
        format('Map again without it%s.', coalesce(', or with ' || tideway_private.nearest_names(v_row.local, v_names), '')), true);
      continue;
    end if;
    if v_row.real_type <> v_row.local_type then
      return query values ('error', v_row.local, format('The column is now of type %s; it was mapped as %s.', v_row.real_type, v_row.local_type),
        format('Map again: select tideway.map(%L, ...);', map.name), false);
    end if;
    if v_row.direction in ('pull', 'both') and v_row.generated then
      return query values ('error', v_row.local, 'The column is generated, so nothing can be pulled into it.', 'Give it "direction": "push", or leave it out.', true);
    elsif v_row.direction in ('pull', 'both') and v_row.identity_always then
      return query values ('error', v_row.local, 'The column is an identity column (always), so nothing can be pulled into it.',
        format('alter table %s alter column %I set generated by default; or give it "direction": "push".', v_name, v_row.local), true);
    elsif map.direction = 'both' and v_row.direction = 'push' and (v_row.generated or v_row.identity_always) then
      return query values ('warning', v_row.local, 'The column makes its own values, so it is only pushed.', 'Give it "direction": "push" to say so.', true);
    end if;
    if v_row.direction in ('pull', 'both') and v_row.pull_sql is null or v_row.direction in ('push', 'both') and v_row.push_sql is null then
      return query values ('error', v_row.local, format('The type %s of the app and the column type %s cannot be turned into each other.', v_row.type, v_row.local_type),
        'Map it as string or json, change the column''s type, or use another column.', true);
    end if;
    if v_row.is_remote_id and v_row.direction = 'none' and v_row.authority is distinct from 'derived' then
      return query values ('warning', v_row.local, 'The app''s own id comes with what is read, and this mapping only pushes: the column stays as it is.',
        'Map with direction both, or leave the column out.', true);
    end if;
    if v_row.conflict is not null and v_row.direction <> 'both' then
      return query values ('warning', v_row.local, format('A conflict policy has no use for a column that is only %s.', case v_row.direction when 'none' then 'derived' else v_row.direction || 'ed' end),
        'Leave "conflict" out.', true);
    end if;
    if v_row.conflict like 'delta%' and v_row.type <> 'number' then
      return query values ('error', v_row.local, 'delta adds numbers, and this column is none.', 'Use remote, local, newest:column or manual.', true);
    elsif v_row.conflict like 'delta%' and v_system.capabilities is not null
      and coalesce(v_system.capabilities ->> 'compareAndSet', 'none') = 'none' and coalesce(v_system.capabilities ->> 'idempotencyKeys', 'none') <> 'all'
      and v_read and not coalesce(v_remote.capabilities -> 'sums' ? v_row.remote, false)
    then
      return query values ('error', v_row.local, format('%s can make no write conditional, so a sum could be added twice.', v_system.title),
        'Use remote, local, newest:column or manual.', false);
    elsif v_row.conflict like 'newest:%' then
      select tideway_private.base_type(c.type) into v_text
        from tideway_private.table_columns(map.local_table) c where c.name = substr(v_row.conflict, 8);
      if not found then
        return query values ('error', v_row.local, format('newest names the column "%s", which %s does not have.', substr(v_row.conflict, 8), v_name),
          coalesce('Did you mean ' || tideway_private.nearest_names(substr(v_row.conflict, 8), v_names) || '?', 'Name the column that says when the row was changed.'), true);
      elsif v_text not in ('timestamp with time zone', 'timestamp without time zone', 'date') then
        return query values ('error', v_row.local, format('newest names the column "%s", which holds no time.', substr(v_row.conflict, 8)),
          'Name a column of type timestamptz.', true);
      elsif not exists (select from tideway.mapping_columns m where m.mapping_id = map.id and m.local = substr(v_row.conflict, 8)) then
        return query values ('error', v_row.local, format('newest compares with the app''s value of "%s", which is not mapped.', substr(v_row.conflict, 8)),
          'Map that column to the app''s time of change.', true);
      end if;
    end if;
    for v_text in select s from string_to_table(concat_ws('|', v_row.in_transform, v_row.out_transform), '|') s
                   where tideway_private.has_user_sql(s)
    loop
      if not exists (select from pg_catalog.pg_proc p where p.oid = to_regprocedure(v_text || '(jsonb)') and p.prorettype = 'jsonb'::regtype and not p.proretset) then
        return query values ('error', v_row.local, format('The transform %s is not a function (jsonb) returns jsonb any more.', v_text), 'Restore it, or map again.', true);
      elsif not pg_catalog.has_function_privilege(map.run_as, to_regprocedure(v_text || '(jsonb)'), 'execute') then
        return query values ('error', v_row.local, format('%s may not call the transform %s.', map.run_as, v_text),
          format('grant execute on function %s(jsonb) to %I;', v_text, map.run_as), true);
      end if;
    end loop;
    if v_row.references_mapping is not null then
      if not exists (select from tideway.mappings x where x.org_id = map.org_id and x.name = v_row.references_mapping and x.state <> 'unmapped') then
        return query values ('error', v_row.local, format('lookup names the mapping "%s", which does not exist.', v_row.references_mapping),
          'Map the parent table first.', false);
      elsif not exists (select from tideway.mappings x where x.org_id = map.org_id and x.name = v_row.references_mapping and x.connection_id = map.connection_id) then
        return query values ('error', v_row.local, format('lookup names the mapping "%s", which is of another connection.', v_row.references_mapping),
          'Name a mapping of the same account: record ids mean nothing elsewhere.', false);
      end if;
    end if;
  end loop;

  if v_pulls then
    return query
    select 'error', c.name, format('The column "%s" may not be null, and new records bring no value for it.', c.name),
           format('Map it, or: alter table %s alter column %I set default ...;', v_name, c.name), true
      from tideway_private.table_columns(map.local_table) c
     where c.not_null and c.default_expression is null and not c.generated and not c.identity_always
       and not c.name = any (map.key_columns)
       and not exists (select from tideway.mapping_columns m where m.mapping_id = map.id and m.local = c.name and m.direction in ('pull', 'both'));
  end if;
  if not exists (select from tideway.mapping_columns m where m.mapping_id = map.id and m.direction <> 'none') then
    return query values ('error', null::text, 'No column is kept in step.', 'Map a column that is neither derived nor the app''s own row id.', true);
  end if;

  -- Options that name something.
  if map.on_remote_delete like 'soft_delete:%' then
    select tideway_private.base_type(c.type) into v_text from tideway_private.table_columns(map.local_table) c where c.name = substr(map.on_remote_delete, 13);
    if not found then
      return query values ('error', substr(map.on_remote_delete, 13), format('on_remote_delete names the column "%s", which %s does not have.', substr(map.on_remote_delete, 13), v_name),
        coalesce('Did you mean ' || tideway_private.nearest_names(substr(map.on_remote_delete, 13), v_names) || '?', 'Name a boolean or timestamptz column.'), true);
    elsif v_text not in ('boolean', 'timestamp with time zone', 'timestamp without time zone', 'date') then
      return query values ('error', substr(map.on_remote_delete, 13), 'on_remote_delete names a column that is neither boolean nor a time.', 'Name a boolean or timestamptz column.', true);
    end if;
  end if;
  return query
  select 'error', x.name, format('match_on names the column "%s", which is not mapped.', x.name), 'Name mapped columns whose values both sides have.', true
    from unnest(map.match_on) as x (name)
   where not exists (select from tideway.mapping_columns m where m.mapping_id = map.id and m.local = x.name and m.direction <> 'none');
  if map.read ? 'key' and map.read ->> 'key' <> all (v_names) then
    return query values ('error', map.read ->> 'key', format('read names the column "%s", which %s does not have.', map.read ->> 'key', v_name),
      coalesce('Did you mean ' || tideway_private.nearest_names(map.read ->> 'key', v_names) || '?', 'Name a column of the table.'), true);
  end if;
  if map.only_listed and map.item_type is null then
    return query values ('error', null::text, 'The filter "list" needs to know what a row is on the sync list.', 'Give the option item_type, for instance "product".', true);
  end if;
  if map.retry_cap < map.retry_base then
    return query values ('error', null::text, 'retry_cap is shorter than retry_base.', 'Make retry_cap the longer one.', true);
  end if;
  if map.pattern is not null
     and not exists (select from tideway.saved_search_patterns p where p.org_id = map.org_id and p.name = map.pattern)
  then
    return query values ('error', null::text, format('There is no saved pattern "%s".', map.pattern), 'Save it with tideway.save_pattern(...).', false);
  end if;

  if map.local_filter is not null then
    v_text := tideway_private.filter_problem(map.local_table, map.local_filter);
    if v_text is not null then
      return query values ('error', null::text, format('The filter cannot be read: %s', v_text), 'Give one boolean expression over the columns of the row.', true);
    elsif map.local_filter ~* '\m(select|now|current_date|current_time|current_timestamp|localtimestamp|clock_timestamp|statement_timestamp|random|current_setting|current_user|session_user)\M' then
      return query values ('warning', null::text, 'The filter looks beyond the row, so only sweeps notice when its answer changes.',
        'Keep what it looks at in a column of the table.', true);
    end if;
    if map.direction = 'pull' then
      return query values ('warning', null::text, 'The SQL filter is for pushes, and this mapping only pulls.', 'Give {"remote": "..."} in the app''s own words.', true);
    end if;
  end if;

  -- The role that reads and writes the rows.
  return query
  select 'error', null::text, format('Row-level security applies to %s on %s: it would take hidden rows for deleted ones.', map.run_as, v_name),
         format('Let a role with BYPASSRLS, or the owner of the table, define the mapping; or: alter table %s disable row level security;', v_name), true
    from pg_catalog.pg_roles r
   where r.rolname = map.run_as
     and v_table.relrowsecurity
     and not r.rolsuper and not r.rolbypassrls
     and not (pg_catalog.pg_has_role(r.oid, v_table.relowner, 'usage') and not v_table.relforcerowsecurity);
  return query
  select 'error', r.column_name, r.problem, r.mend, map.run_as <> 'tideway_daemon'
    from tideway_private.missing_rights(map) r;
  if map.generation > 0 and not tideway_private.runner_stands(map.run_as) then
    return query values ('error', null::text, format('The function through which the mapping runs as %s is gone or was changed.', map.run_as),
      format('Map again as %s, or as a superuser.', map.run_as), false);
  end if;

  -- What the app says of itself.
  if v_system.system is not null then
    if v_pushes and map.on_local_delete = 'delete' and v_system.capabilities ->> 'delete' = 'none' then
      return query values ('error', null::text, format('%s cannot delete records.', v_system.title), 'Set on_local_delete to ignore or soft_delete:column.', false);
    end if;
  end if;

  if not v_read then
    return query values ('warning', null::text, 'The app''s tables have not been read yet; the daemon does so before the mapping becomes active.',
      format('select tideway.discover(%L);', v_connection.name), false);
    return;
  elsif v_remote.name is null or v_remote.missing_since is not null then
    return query select 'error', null::text, format('%s has no table "%s".', v_connection.name, map.remote_table),
      coalesce('Did you mean ' || tideway_private.nearest_names(map.remote_table,
        array(select r.name from tideway.remote_tables r where r.connection_id = map.connection_id and r.missing_since is null)) || '? ', '')
      || format('If it is new: select tideway.discover(%L);', v_connection.name), false;
    return;
  end if;
  if v_pushes then
    return query
    select case when x.n = 'update' or map.direction = 'push' and x.n = 'create' then 'error' else 'warning' end,
           null::text, format('The app''s table "%s" does not take %ss.', map.remote_table, x.n),
           case x.n when 'delete' then 'Set on_local_delete to ignore or soft_delete:column.' else 'Map it with direction pull.' end, false
      from unnest(array['create', 'update', 'delete']) as x (n)
     where v_remote.capabilities -> x.n = 'false'
       and not (x.n = 'delete' and map.on_local_delete <> 'delete');
  end if;

  if exists (select from tideway.remote_columns r where r.connection_id = map.connection_id and r.remote_table = map.remote_table) then
    return query
    select 'error', m.local, format('The app''s table "%s" has no column "%s".', map.remote_table, m.remote),
           coalesce('Did you mean ' || tideway_private.nearest_names(m.remote, array(
             select r.name from tideway.remote_columns r
              where r.connection_id = map.connection_id and r.remote_table = map.remote_table and r.missing_since is null)) || '? ', '')
           || format('If it is new: select tideway.discover(%L);', v_connection.name), false
      from tideway.mapping_columns m
      left join tideway.remote_columns r
        on r.connection_id = map.connection_id and r.remote_table = map.remote_table and r.name = m.remote and r.missing_since is null
     where m.mapping_id = map.id
       and r.name is null
       and not m.is_remote_id;
    return query
    select case when map.direction = 'push' or m.direction = 'push' then 'error' else 'warning' end, m.local,
           format('The app''s column "%s" is read-only, so nothing can be pushed into it.', m.remote),
           case when map.direction = 'push' or m.direction = 'push' then 'Leave it out, or map another column.' else 'It is only pulled; give it "direction": "pull" to say so.' end, false
      from tideway.mapping_columns m
      join tideway.remote_columns r
        on r.connection_id = map.connection_id and r.remote_table = map.remote_table and r.name = m.remote
     where m.mapping_id = map.id
       and not r.writable
       and not m.is_remote_id
       and m.authority is distinct from 'derived'
       and (m.direction in ('push', 'both') or map.direction = 'both' and m.direction = 'pull');
    return query
    select 'warning', m.local, format('The app says that "%s" is of type %s; it is mapped as %s.', m.remote, r.type, m.type),
           format('Give it "type": "%s".', r.type), false
      from tideway.mapping_columns m
      join tideway.remote_columns r
        on r.connection_id = map.connection_id and r.remote_table = map.remote_table and r.name = m.remote
     where m.mapping_id = map.id
       and r.type <> m.type
       and not m.is_remote_id;
    if v_pushes then
      return query
      select 'warning', null::text, format('The app wants a value for "%s", and no column is pushed into it.', r.name), 'Map a column to it, or the app may refuse new records.', false
        from tideway.remote_columns r
       where r.connection_id = map.connection_id and r.remote_table = map.remote_table and r.required and r.writable and r.missing_since is null
         and not exists (select from tideway.mapping_columns m where m.mapping_id = map.id and m.remote = r.name and m.direction in ('push', 'both'));
    end if;
    if map.on_local_delete like 'soft_delete:%' and not exists (
      select from tideway.remote_columns r
       where r.connection_id = map.connection_id and r.remote_table = map.remote_table and r.name = substr(map.on_local_delete, 13))
    then
      return query values ('error', null::text, format('on_local_delete names the app''s column "%s", which does not exist.', substr(map.on_local_delete, 13)), 'Name a column of the app.', false);
    end if;
  end if;
end;
$$;

comment on function tideway_private.mapping_problems(tideway.mappings) is
  'Everything that is wrong or doubtful with a mapping; definition tells what map itself refuses.';
