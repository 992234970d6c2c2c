create or replace function tideway_private.read_state(name text, org_id text default null, slot name default null)
returns table (mapping integer, org_id text, tag text, is_settled boolean, ttl_ms bigint)
language sql
stable
set search_path = ''
as $$
  select m.number, m.org_id,
         coalesce(v.version, 0) || '-' || pg_catalog.md5(
           pg_catalog.concat_ws(' ', m.local_table::oid, m.run_as, m.read,
             (select pg_catalog.string_agg(c.local, ' ' order by c.ordinal) from tideway.mapping_columns c where c.mapping_id = m.id))),
         not exists (select from unnest(v.xids) as x where not pg_catalog.pg_visible_in_snapshot(x, pg_catalog.pg_current_snapshot()))
         -- Nothing is remembered while nobody follows the log: no change would end it.
         and exists (select from tideway_private.positions p
                      where (read_state.slot is null or p.slot = read_state.slot)
                        and p.updated_at > pg_catalog.clock_timestamp() - interval '10 s'),
         (extract(epoch from coalesce((m.read ->> 'ttl')::interval, interval '1 h')) * 1000)::bigint
    from tideway.mappings m
    left join tideway_private.read_versions v on v.mapping = m.number
   where m.org_id = coalesce(read_state.org_id, tideway.current_org_id())
     and m.read ->> 'name' = read_state.name
     and m.state in ('pending', 'active', 'paused')
     and m.activated_at is not null
   order by m.number
   limit 1
$$;

comment on function tideway_private.read_state(text, text, name) is
  'The mapping behind a read cache, and a tag that changes with its rows; what was read is remembered only when is_settled.';
