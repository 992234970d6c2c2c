create or replace function tideway_private.is_above_organisations(role name)
returns boolean
language sql
stable
set search_path = ''
as $$
  select r.rolsuper or r.rolbypassrls or r.rolreplication or r.rolcreaterole
         or r.rolname ~ '^pg_'
         or pg_catalog.pg_has_role(r.oid, 'tideway_owner', 'member')
         or pg_catalog.pg_has_role(r.oid, 'tideway_daemon', 'member')
    from pg_catalog.pg_roles r
   where r.rolname = is_above_organisations.role
$$;

comment on function tideway_private.is_above_organisations(name) is
  'Whether a role is above the rules that keep organisations apart, so that nobody may come in as it; null when there is no such role.';
