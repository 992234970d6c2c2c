create or replace function tideway_private.store_systems(systems jsonb)
returns void
language sql
volatile
set search_path = ''
as $$
  insert into tideway.systems as s (system, title, settings_schema, types, limits, capabilities)
  select x.system, x.title, x.settings_schema, x.types, x.limits, x.capabilities
    from pg_catalog.jsonb_to_recordset(systems) as x (system text, title text, settings_schema jsonb, types jsonb, limits jsonb, capabilities jsonb)
   order by x.system
  on conflict (system) do update
     set title = excluded.title, settings_schema = excluded.settings_schema, types = excluded.types,
         limits = excluded.limits, capabilities = excluded.capabilities, described_at = now()
   where (s.title, s.settings_schema, s.types, s.limits, s.capabilities)
         is distinct from (excluded.title, excluded.settings_schema, excluded.types, excluded.limits, excluded.capabilities)
$$;

comment on function tideway_private.store_systems(jsonb) is
  'What each connector says about itself; written when a daemon starts.';
