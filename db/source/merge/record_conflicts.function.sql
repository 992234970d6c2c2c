create or replace function tideway_private.record_conflicts(map tideway.mappings, run uuid, ids text[], keys text[], verdicts text[], conflicts jsonb[])
returns integer
language sql
volatile
set search_path = ''
as $$
  with found as (
    select x.id, x.key, x.verdict, c.value as conflict, l.id as link_id
      from unnest(ids, keys, verdicts, conflicts) as x (id, key, verdict, conflicts)
      join tideway_private.links l on l.mapping = map.number and l.remote_id = x.id
     cross join lateral pg_catalog.jsonb_array_elements(x.conflicts) c
     where x.verdict in ('new', 'linked', 'adopt', 'relink', 'hold')
       and (x.verdict = 'hold' or c.value ->> 'resolution' is not null)
    union all
    -- The row was deleted here while its record changed there: the data is kept.
    select x.id, x.key, x.verdict, '{"column": "*", "kind": "update_missing", "policy": "remote", "resolution": "remote"}', l.id
      from unnest(ids, keys, verdicts) as x (id, key, verdict)
      join tideway_private.links l on l.mapping = map.number and l.remote_id = x.id
     where x.verdict = 'restore'
  ), written as (
    insert into tideway.conflicts as t (org_id, mapping_id, link_id, local_key, remote_id, "column", kind, policy,
                                   old_value, local_value, remote_value, resolution, resolved_value, resolved_at, resolved_by, run_id)
    select map.org_id, map.id, f.link_id, f.key, f.id, f.conflict ->> 'column', f.conflict ->> 'kind', f.conflict ->> 'policy',
           f.conflict -> 'old', f.conflict -> 'local', f.conflict -> 'remote',
           case when f.verdict = 'hold' then null else f.conflict ->> 'resolution' end,
           case when f.verdict = 'hold' then null when f.conflict ->> 'resolution' = 'remote' then f.conflict -> 'remote' else f.conflict -> 'local' end,
           case when f.verdict = 'hold' then null else pg_catalog.clock_timestamp() end,
           case when f.verdict = 'hold' then null else 'tideway' end,
           run
      from found f
    on conflict (link_id, "column") where resolved_at is null do update
       set local_value = excluded.local_value,
           remote_value = excluded.remote_value,
           run_id = excluded.run_id,
           updated_at = pg_catalog.clock_timestamp()
    returning t.link_id, t.local_key, t.resolution
  ), parked as (
    insert into tideway_private.waiting as w (mapping, local_key, org_id, reason, marked)
    select distinct map.number, w.local_key, map.org_id, 'conflict', false
      from written w
     where w.resolution is null and w.local_key is not null
    on conflict on constraint waiting_pkey do update set reason = 'conflict', due_at = null
    returning 1
  )
  select pg_catalog.count(*)::integer from written
$$;

comment on function tideway_private.record_conflicts(tideway.mappings, uuid, text[], text[], text[], jsonb[]) is
  'Stores conflicts: resolved ones for the record, manual ones open, which hold their row until somebody decides.';
