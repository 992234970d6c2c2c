create or replace function tideway.export_config()
returns text
language sql
stable
set search_path = ''
as $$
  with secrets as (
    select c.id, tideway_private.secret_reference(c.id) as secret
      from tideway.connections c
     where c.has_secret
  ), lines as (
    select 1 as part, c.name, 0 as n,
           case when s.secret = 'sealed'
             then pg_catalog.format(E'-- The secret of %L is sealed and is not printed: seal it again and add it as the fourth argument.\n', c.name) else '' end
           || pg_catalog.format('select tideway.connect(%L, %L, %L%s);', c.name, c.system, c.config,
                case when s.secret <> 'sealed' then pg_catalog.format(', %L', s.secret) else '' end) as line
      from tideway.connections c
      left join secrets s on s.id = c.id
     where c.org_id = tideway.current_org_id()
    union all
    select 2, m.name, m.number,
           pg_catalog.format(E'select tideway.map(%L, %L, %L, %L,\n  columns => %L,\n  key => %L,\n  direction => %L,\n  options => %L);',
             m.name, c.name, m.remote_table, m.local_name,
             '[' || (select pg_catalog.string_agg(E'\n    ' || e::text, ',' order by n) || E'\n  ]'
                       from pg_catalog.jsonb_array_elements(tideway_private.columns_as_json(m.id)) with ordinality as x (e, n)),
             m.key_columns, m.direction, tideway_private.options_as_json(m))
      from tideway.mappings m
      join tideway.connections c on c.id = m.connection_id
     where m.org_id = tideway.current_org_id()
       and m.state <> 'unmapped'
    union all
    select 3, m.name, m.number, pg_catalog.format('select tideway.activate(%L);', m.name)
      from tideway.mappings m
     where m.org_id = tideway.current_org_id()
       and m.activated_at is not null
       and m.state <> 'unmapped'
    union all
    select 4, c.name, c.number, pg_catalog.format('select tideway.pause_connection(%L, %L);', c.name, c.paused_reason)
      from tideway.connections c
     where c.org_id = tideway.current_org_id() and c.state = 'paused'
    union all
    select 5, m.name, m.number, pg_catalog.format('select tideway.pause(%L, %L);', m.name, m.paused_reason)
      from tideway.mappings m
     where m.org_id = tideway.current_org_id() and m.state = 'paused'
  )
  select pg_catalog.concat(E'-- The connections and mappings of one organisation; running it twice changes nothing.\n\n',
           pg_catalog.string_agg(l.line, E'\n\n' order by l.part, l.name collate "C"), E'\n')
    from lines l
$$;

comment on function tideway.export_config() is
'A SQL file that defines the connections and mappings of your organisation again, in an order that never changes.

Secrets are references; sealed ones are left out, with a note. Run it in psql, in a database that has the tables:

  \o config.sql
  \pset format unaligned
  \pset tuples_only on
  select tideway.export_config();';
