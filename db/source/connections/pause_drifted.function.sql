create or replace function tideway_private.pause_drifted(connection tideway.connections, changed jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_map       tideway.mappings;
  v_trouble   text;
  v_code      text;
  v_new       text;
begin
  for v_map in
    select m.* from tideway.mappings m
     where m.connection_id = (connection).id
       and m.state = 'active'
     order by m.number
       for no key update of m
  loop
    v_code := 'MAPPING_FIELD_MISSING';
    if exists (select from tideway.remote_tables t
                where t.connection_id = v_map.connection_id and t.name = v_map.remote_table and t.missing_since is not null) then
      v_code := 'TABLE_MISSING';
      v_trouble := format('The app no longer shows the table "%s".', v_map.remote_table);
    else
      select string_agg(format('The app no longer shows the column "%s", which "%s" is mapped to.', c.remote, c.local), ' ' order by c.ordinal)
        into v_trouble
        from tideway.mapping_columns c
        join tideway.remote_columns r
          on r.connection_id = v_map.connection_id and r.remote_table = v_map.remote_table and r.name = c.remote
       where c.mapping_id = v_map.id
         and c.direction <> 'none'
         and r.missing_since is not null;
      if v_trouble is not null then
        -- A column that appeared when the other went is often the same one under a new name.
        select string_agg(format('"%s"', r.name), ', ' order by r.ordinal) into v_new
          from tideway.remote_columns r
         where r.connection_id = v_map.connection_id
           and r.remote_table = v_map.remote_table
           and r.missing_since is null
           and not exists (select from tideway.mapping_columns c where c.mapping_id = v_map.id and c.remote = r.name);
        v_trouble := v_trouble || coalesce(format(' Was it renamed? The table also has %s.', v_new), '');
      else
        v_code := 'SHAPE_CHANGED';
        select string_agg(format('The column "%s" of the app, which "%s" is mapped to, is %s now and was %s.',
                                 c.remote, c.local, x ->> 'to', x ->> 'from'), ' ' order by c.ordinal)
          into v_trouble
          from tideway.mapping_columns c
          join jsonb_array_elements(changed) x on x ->> 'table' = v_map.remote_table and x ->> 'column' = c.remote
         where c.mapping_id = v_map.id
           and c.direction <> 'none';
      end if;
    end if;
    if v_trouble is not null then
      perform tideway_private.stop_mapping(v_map, jsonb_build_object('code', v_code, 'message', format(
        '%s Call tideway.map(…) with the columns as they are now (tideway.suggest_columns finds them), or put the app''s table right; then tideway.resume(%L).',
        v_trouble, v_map.name)));
    end if;
  end loop;
end;
$$;

comment on function tideway_private.pause_drifted(tideway.connections, jsonb) is
  'Pauses the mappings whose table or columns the app no longer shows, or shows with another type, with the mend.';
