-- The daemon's login on Supabase, as the role postgres over the direct connection, after `tideway migrate`:
--   psql "$ADMIN_URL" --set=ON_ERROR_STOP=1 --set=password=… --file=deploy/postgres/supabase.sql
-- postgres is no superuser there, but has REPLICATION and may pass it on. wal_level is logical already.
select 'create role tideway login' where not exists (select from pg_roles where rolname = 'tideway') \gexec
alter role tideway login replication password :'password';
alter role tideway_daemon replication;
grant tideway_daemon to tideway;
