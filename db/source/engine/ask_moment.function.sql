create or replace function tideway_private.ask_moment()
returns table (asked bigint, asked_at timestamptz)
language sql
volatile
set search_path = ''
as $$
  select pg_catalog.nextval('tideway_private.moments'), pg_catalog.clock_timestamp()
$$;

comment on function tideway_private.ask_moment() is
  'Taken when a request to an app starts: what a read may settle is decided by this order, never by a clock of the daemon.';
