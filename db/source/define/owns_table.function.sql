create or replace function tideway_private.owns_table(role name, local_table regclass)
returns boolean
language sql
stable
set search_path = ''
as $$
  select coalesce((select pg_catalog.pg_has_role(role, c.relowner, 'usage') from pg_catalog.pg_class c where c.oid = local_table), false)
$$;

comment on function tideway_private.owns_table(name, regclass) is
  'Whether a role owns a table, by itself or by a role whose rights it has.';
