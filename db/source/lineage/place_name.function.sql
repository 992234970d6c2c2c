create or replace function tideway_private.place_name(map tideway.mappings, remote text default null)
returns text
language sql
stable
set search_path = ''
set plan_cache_mode = auto
as $$
  select concat_ws(' → ',
    coalesce((select t.title from tideway.remote_tables t where t.connection_id = map.connection_id and t.name = map.remote_table), map.remote_table),
    coalesce((select c.title from tideway.remote_columns c
               where c.connection_id = map.connection_id and c.remote_table = map.remote_table and c.name = place_name.remote), place_name.remote))
$$;

comment on function tideway_private.place_name(tideway.mappings, text) is
  'What people call the table of a mapping, or a column of it, as discover read it last: Master Sheet → Column B.';
