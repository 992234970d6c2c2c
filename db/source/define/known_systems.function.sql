create or replace function tideway_private.known_systems()
returns text[]
language sql
stable
set search_path = ''
as $$
  -- The eight are known before a daemon has described any.
  select pg_catalog.array_agg(s order by s)
    from (select system from tideway.systems
          union
          select pg_catalog.unnest(array['airtable', 'close', 'glide', 'google_sheets', 'netsuite', 'odoo', 'shopify', 'woocommerce'])) as x (s)
$$;

comment on function tideway_private.known_systems() is
  'The systems that a connection may name.';
