create or replace function tideway_private.push_mappings(connection integer)
returns table (number integer, name text, remote_table text, direction text, remote_columns text[], windows jsonb, timezone text, label text)
language sql
stable
set search_path = ''
as $$
  select m.number, m.name, m.remote_table, m.direction,
         coalesce((select pg_catalog.array_agg(distinct c.remote) from tideway.mapping_columns c
                    where c.mapping_id = m.id and not c.is_remote_id and c.direction <> 'none'), '{}'),
         m.windows, o.timezone, tideway_private.label(m.name, m.id)
    from tideway.mappings m
    join tideway.connections c on c.id = m.connection_id
    join tideway.organisations o on o.org_id = m.org_id
   where c.number = push_mappings.connection
     and m.direction in ('push', 'both')
     and m.state in ('pending', 'active', 'paused')
   order by m.priority desc, m.number
$$;

comment on function tideway_private.push_mappings(integer) is
  'The mappings of a connection that write to its app, with the columns of the app that they use and the times when they may.';
