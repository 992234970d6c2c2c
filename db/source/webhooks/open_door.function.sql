create or replace function tideway_private.open_door(public_url text)
returns void
language sql
volatile
set search_path = ''
as $$
  insert into tideway_private.door as d (public_url)
  values (pg_catalog.rtrim(open_door.public_url, '/'))
  on conflict on constraint door_pkey do update
     set public_url = excluded.public_url, opened_at = pg_catalog.clock_timestamp()
   where d.public_url is distinct from excluded.public_url
$$;

comment on function tideway_private.open_door(text) is
  'Stores under what address apps reach the daemons; null when they cannot.';
