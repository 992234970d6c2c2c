create or replace function tideway.version()
returns table (version text, source_hash text, migration text, server_version text)
language sql
stable
security definer
set search_path = ''
as $$
  select release.version, release.source_hash, release.migration, pg_catalog.current_setting('server_version')
    from tideway_private.release
   order by release.id desc
   limit 1;
$$;

comment on function tideway.version() is
$$Which Tideway does this database hold?

version is the release, source_hash the state of db/source, migration the newest table change.
No row means that the functions were loaded by hand and never recorded.

  select * from tideway.version();$$;
