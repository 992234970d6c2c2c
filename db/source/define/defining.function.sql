create or replace function tideway_private.defining(started boolean)
returns void
language sql
volatile
set search_path = ''
as $$
  select pg_catalog.set_config('tideway.defining', case when started then 'on' else '' end, true)
$$;

comment on function tideway_private.defining(boolean) is
  'Tells the guards that a function is writing the definitions. It keeps people from slips; rights are checked all the same.';
