-- The daemon's login on a server of one's own, as a superuser, after `tideway migrate`:
--   psql "$ADMIN_URL" --set=ON_ERROR_STOP=1 --set=password=… --file=deploy/postgres/plain.sql
-- Running it again changes the password and nothing else.
select 'create role tideway login' where not exists (select from pg_roles where rolname = 'tideway') \gexec
alter role tideway login replication connection limit 40 password :'password';
alter role tideway_daemon replication;
grant tideway_daemon to tideway;
