-- The daemon's login on Amazon RDS and Aurora, as the master user, after `tideway migrate`:
--   psql "$ADMIN_URL" --set=ON_ERROR_STOP=1 --set=password=… --file=deploy/postgres/rds.sql
-- The attribute REPLICATION cannot be given there; membership in rds_replication stands for it.
select 'create role tideway login' where not exists (select from pg_roles where rolname = 'tideway') \gexec
alter role tideway login password :'password';
grant rds_replication to tideway;
grant tideway_daemon to tideway;
