create or replace function tideway_private.may_become(member name, role name)
returns boolean
language sql
stable
set search_path = ''
as $$
  -- From 16 a member may lack SET, and then cannot take the role on.
  select pg_catalog.pg_has_role(member, role,
           case when pg_catalog.current_setting('server_version_num')::integer >= 160000 then 'SET' else 'MEMBER' end)
$$;

comment on function tideway_private.may_become(name, name) is
  'Whether a role may SET ROLE to another.';
