create or replace function tideway_private.default_run_as(local_table regclass)
returns name
language sql
stable
set search_path = ''
as $$
  -- Never a superuser: what the mapping does would then be limited by nothing.
  select case
           when not (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user) then current_user
           else coalesce((select o.rolname from pg_catalog.pg_class c join pg_catalog.pg_roles o on o.oid = c.relowner
                           where c.oid = local_table and not o.rolsuper), 'tideway_daemon')
         end
$$;

comment on function tideway_private.default_run_as(regclass) is
  'The role that a new mapping runs as: the caller; for a superuser the table''s owner, or the daemon.';
