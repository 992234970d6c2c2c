create or replace function tideway_private.is_published(local_table regclass)
returns boolean
language sql
stable
set search_path = ''
as $$
  select exists (
    select from pg_catalog.pg_publication_tables p
      join pg_catalog.pg_class c on c.relname = p.tablename
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = p.schemaname
     where c.oid = local_table
       and p.pubname = tideway_private.publication_name())
$$;

comment on function tideway_private.is_published(regclass) is
  'Whether the changes of a table reach the daemon.';
