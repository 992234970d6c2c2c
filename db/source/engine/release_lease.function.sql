create or replace function tideway_private.release_lease(connection integer, epoch bigint)
returns boolean
language sql
volatile
set search_path = ''
as $$
  with gone as (
    delete from tideway_private.leases l
     where l.connection = release_lease.connection
       and l.epoch = release_lease.epoch
    returning 1
  )
  select exists (select from gone)
$$;

comment on function tideway_private.release_lease(integer, bigint) is
  'Gives a connection back at a clean stop, so that another daemon need not wait for the lease to run out.';
