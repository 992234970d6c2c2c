create or replace function tideway_private.runner_stands(run_as name)
returns boolean
language sql
stable
set search_path = ''
as $$
  select exists (
    select from pg_catalog.pg_proc p
     where p.pronamespace = 'tideway_run'::regnamespace
       and p.proname = run_as
       and p.prosecdef
       and p.proowner = (select oid from pg_catalog.pg_roles where rolname = run_as)
       and p.prosrc = tideway_private.runner_source()
       and p.proconfig = array['search_path="$user", public']
       and p.proargtypes::text = '25 1007 1009 3807')
$$;

comment on function tideway_private.runner_stands(name) is
  'Whether the runner of a role exists, belongs to that role and is what we made.';
