create or replace function tideway_private.mark_keys(mapping integer, keys text[], op smallint default 4)
returns integer
language sql
volatile
set search_path = ''
as $$
  -- Called in a transaction of its own: nothing else may be locked while the outbox is written.
  with marked as (
    insert into tideway_private.outbox as o (mapping, local_key, lane, op, org_id)
    select m.number, k.key, (pg_catalog.hashtextextended(k.key, 0) & 15)::smallint, mark_keys.op, m.org_id
      from tideway.mappings m
     cross join (select distinct key from unnest(keys) as u (key) where key is not null) as k
     where m.number = mark_keys.mapping
     order by k.key collate "C"
    on conflict on constraint outbox_pkey do update set op = o.op | excluded.op
    returning 1
  )
  select pg_catalog.count(*)::integer from marked
$$;

comment on function tideway_private.mark_keys(integer, text[], smallint) is
  'Marks rows by key on request: a retry, a backfill, a repair.';
