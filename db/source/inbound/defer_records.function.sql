create or replace function tideway_private.defer_records(mapping integer, org_id text, ids text[], reasons text[], compare boolean default false)
returns void
language sql
volatile
set search_path = ''
as $$
  -- Each further try waits longer, up to five minutes; what a webhook names is due at once again.
  insert into tideway_private.rereads as r (mapping, remote_id, org_id, reason, compare, due_at)
  select defer_records.mapping, x.id, defer_records.org_id, pg_catalog.min(x.reason), defer_records.compare,
         pg_catalog.clock_timestamp() + case pg_catalog.min(x.reason) when 'locked' then interval '200 ms' when 'stale' then '0' when 'compare' then '0' when 'found' then '0' else '1 s' end
    from unnest(ids, reasons) as x (id, reason)
   where x.id is not null
   group by x.id
   order by x.id collate "C"
  on conflict on constraint rereads_pkey do update
     -- Rows of such records wait for a read that settles them (prepare_push), not for one that had to be put off.
     set reason = case when r.reason in ('conflict', 'found') and excluded.reason in ('locked', 'stale', 'in_flight') then r.reason else excluded.reason end,
         compare = r.compare or excluded.compare,
         -- One that has not had its turn yet keeps it, however often a page or a write names it meanwhile.
         attempts = r.attempts + (r.due_at <= pg_catalog.clock_timestamp())::integer,
         due_at = case when r.due_at <= pg_catalog.clock_timestamp()
                       then pg_catalog.clock_timestamp() + least(interval '5 min', interval '250 ms' * pg_catalog.power(2, least(r.attempts, 11)))
                       when excluded.reason in ('conflict', 'found', 'gone') then least(r.due_at, excluded.due_at)
                       else r.due_at end
$$;

comment on function tideway_private.defer_records(integer, text, text[], text[], boolean) is
  'Puts records that could not be settled now on the re-read list.';
