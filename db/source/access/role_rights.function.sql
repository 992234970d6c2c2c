create or replace function tideway_private.role_rights(role name)
returns table (may_look boolean, may_operate boolean, is_above boolean)
language sql
stable
set search_path = ''
as $$
  select pg_catalog.pg_has_role(r.oid, 'tideway_reader', 'member') or pg_catalog.pg_has_role(r.oid, 'tideway_operator', 'member'),
         pg_catalog.pg_has_role(r.oid, 'tideway_operator', 'member'),
         tideway_private.is_above_organisations(r.rolname)
    from pg_catalog.pg_roles r
   where r.rolname = role_rights.role
$$;

comment on function tideway_private.role_rights(name) is
  'What a role that comes in through the HTTP door may do; no row when there is no such role.';
