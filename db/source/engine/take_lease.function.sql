create or replace function tideway_private.take_lease(connection integer, owner text, lasts interval default '8 s')
returns bigint
language sql
volatile
set search_path = ''
as $$
  -- A renewal keeps the epoch, so it waits for no work that runs under it.
  with renewed as (
    update tideway_private.leases l
       set expires_at = pg_catalog.clock_timestamp() + lasts
     where l.connection = take_lease.connection
       and l.owner = take_lease.owner
       and l.expires_at > pg_catalog.clock_timestamp()
    returning l.epoch
  ), taken as (
    -- A take-over of an expired lease gets a new one, which fences the old owner.
    insert into tideway_private.leases as l (connection, org_id, owner, epoch, expires_at)
    select c.number, c.org_id, take_lease.owner, pg_catalog.nextval('tideway_private.epochs'), pg_catalog.clock_timestamp() + lasts
      from tideway.connections c
     where c.number = take_lease.connection
       and not exists (select from renewed)
       and not exists (select from tideway_private.leases o
                        where o.connection = c.number and o.owner <> take_lease.owner and o.expires_at > pg_catalog.clock_timestamp())
    on conflict on constraint leases_pkey do update
       set owner = excluded.owner, epoch = excluded.epoch, expires_at = excluded.expires_at
     where l.owner = excluded.owner
        or l.expires_at <= pg_catalog.clock_timestamp()
    returning l.epoch
  )
  select r.epoch from renewed r
  union all
  select t.epoch from taken t
$$;

comment on function tideway_private.take_lease(integer, text, interval) is
  'Takes or renews the lease of a connection and returns its epoch; null while another owner holds it.';
