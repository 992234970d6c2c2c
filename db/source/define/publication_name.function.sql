create or replace function tideway_private.publication_name()
returns name
language sql
stable
set search_path = ''
as $$
  select coalesce(nullif(pg_catalog.current_setting('tideway.publication', true), ''), 'tideway')::name
$$;

comment on function tideway_private.publication_name() is
  'The publication that the daemon follows: the setting tideway.publication, else tideway.';
