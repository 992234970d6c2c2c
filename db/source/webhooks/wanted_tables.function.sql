create or replace function tideway_private.wanted_tables(connection integer)
returns text[]
language sql
stable
set search_path = ''
as $$
  select array(select distinct m.remote_table collate "C"
                 from tideway.mappings m
                 join tideway.connections c on c.id = m.connection_id
                where c.number = wanted_tables.connection
                  and m.direction in ('pull', 'both')
                  and m.state in ('active', 'paused')
                order by m.remote_table collate "C")
$$;

comment on function tideway_private.wanted_tables(integer) is
  'The tables of an app whose changes somebody here waits for.';
