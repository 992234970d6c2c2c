create or replace function tideway_private.pull_mappings(connection integer)
returns table (number integer, name text, remote_table text, direction text, state text, remote_columns text[], remote_filter text, changes boolean, schedules jsonb, invalidate text[], label text)
language sql
stable
set search_path = ''
as $$
  select m.number, m.name, m.remote_table, m.direction, m.state,
         coalesce((select pg_catalog.array_agg(distinct c.remote) from tideway.mapping_columns c
                    where c.mapping_id = m.id and not c.is_remote_id and c.direction <> 'none'), '{}'),
         m.remote_filter,
         coalesce((t.capabilities ->> 'changes')::boolean, true),
         coalesce((select pg_catalog.jsonb_object_agg(s.kind, pg_catalog.jsonb_build_object('schedule', s.schedule, 'every', s.every_ms,
                            'timezone', s.timezone, 'windows', s.windows, 'definition', s.definition, 'due_at', d.due_at,
                            'planned', coalesce(d.definition = s.definition, false), 'trigger', d.trigger))
                     from tideway_private.schedule_of(m) s
                     left join tideway_private.due_reads d on d.mapping = m.number and d.kind = s.kind), '{}'),
         array(select u from pg_catalog.jsonb_array_elements_text(m.invalidate) u where u like 'http%'),
         tideway_private.label(m.name, m.id)
    from tideway.mappings m
    join tideway.connections c on c.id = m.connection_id
    left join tideway.remote_tables t on t.connection_id = c.id and t.name = m.remote_table
   where c.number = pull_mappings.connection
     and m.state <> 'unmapped'
   order by m.priority desc, m.number
$$;

comment on function tideway_private.pull_mappings(integer) is
  'The mappings of a connection as the room that reads needs them: columns, filter, schedules and what is planned.';
