-- The daemon's login on Cloud SQL, as postgres (a cloudsqlsuperuser), after `tideway migrate`:
--   psql "$ADMIN_URL" --set=ON_ERROR_STOP=1 --set=password=… --file=deploy/postgres/cloud-sql.sql
select 'create role tideway login' where not exists (select from pg_roles where rolname = 'tideway') \gexec
alter role tideway login replication password :'password';
alter role tideway_daemon replication;
grant tideway_daemon to tideway;
