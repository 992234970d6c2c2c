create or replace function tideway_private.plan_push(
  map tideway.mappings, keys text[], ops smallint[], link_ids bigint[], rows jsonb[], payloads jsonb[], inside boolean[], payloads_before jsonb[], batch bigint
)
returns table (n integer, verdict text, plan jsonb)
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_detached  boolean := tideway_private.has_detached(map);
begin
  return query
    with item as materialized (
      select x.n::integer as n, x.op, x.row_image, x.payload, x.inside, coalesce(x.before, '{}') as before,
             l.id, l.remote_id, l.local_image, l.remote_diff, l.sent, l.local_gone_at, l.remote_gone_at, l.dormant, l.pulled_at, l.rewrites, l.rewrites_since,
             x.key,
             l.id is not null
               and l.id in (select u.id from tideway_private.in_flight f cross join lateral unnest(f.link_ids) as u (id)
                             where f.mapping = map.number and f.id <> batch) as elsewhere
        from unnest(keys, ops, link_ids, rows, payloads, inside, payloads_before) with ordinality as x (key, op, link_id, row_image, payload, inside, before, n)
        left join tideway_private.links l on l.id = x.link_id
    ), parent as (
      -- Foreign keys travel as the parent's remote id.
      select i.n,
             pg_catalog.jsonb_object_agg(c.field, coalesce(pg_catalog.to_jsonb(p.remote_id), 'null')) as fields,
             pg_catalog.bool_or(i.row_image ->> c.field is not null and p.remote_id is null) as missing
        from item i
        join tideway.mapping_columns c on c.mapping_id = map.id and c.references_mapping is not null and c.direction in ('push', 'both')
        left join tideway.mappings m on m.org_id = map.org_id and m.name = c.references_mapping
        left join tideway_private.links p
          on p.mapping = m.number and p.local_key = i.row_image ->> c.field and p.remote_id is not null and p.remote_gone_at is null
       where i.row_image is not null
       group by i.n
    ), narrow as materialized (
      select w.local_key, w.fields from tideway_private.listed_fields(map, keys) w
    ), mapped as materialized (
      select c.field, c.authority, c.direction, array[c.local, c.remote, c.field] as names, c.local = any (map.key_columns) as is_key
        from tideway.mapping_columns c
       where c.mapping_id = map.id and c.direction in ('push', 'both') and not c.is_remote_id
    )
    select i.n,
           case
             when i.elsewhere then 'elsewhere'
             when i.row_image is null then
               case
                 when i.id is null then 'nothing'
                 when i.remote_id is null and i.sent is not null then 'lookup'
                 when i.remote_id is null then 'nothing'
                 -- A row whose partition is away is not gone, whatever became of its record.
                 when v_detached and i.op & 2 = 0 and i.local_gone_at is null then 'sleep'
                 when i.remote_gone_at is not null or map.on_local_delete = 'ignore' then 'local_gone'
                 when i.dormant and i.local_gone_at is not null then 'nothing'
                 -- Detaching or dropping a partition is how people archive; no delete was seen in the log.
                 when map.on_detach = 'ignore' and i.op & 2 = 0 and i.local_gone_at is null and not map.partitions <@ tideway_private.partitions_of(map.local_table) then 'sleep'
                 when map.on_local_delete = 'delete' then 'delete'
                 else 'soft_delete'
               end
             when not i.inside then
               case
                 when i.id is null or i.dormant then 'nothing'
                 when i.remote_id is null then 'nothing'
                 when map.on_filter_exit = 'delete' then 'delete'
                 else 'sleep'
               end
             when p.missing then 'dependency'
             when i.id is null or (i.remote_id is null and i.sent is null) then
               case when map.first_read_at is null and (map.match_on is not null or map.direction = 'both') then 'first_read' else 'create' end
             when i.remote_id is null then 'lookup'
             when i.remote_gone_at is not null then
               case
                 when i.op & 10 <> 0 then 'rebirth'
                 -- Its record was found gone while its partition was away: nobody was told, and the row was not deleted.
                 when i.dormant and map.partitions <> '{}' and map.direction = 'both' and map.on_remote_delete <> 'ignore' then 'woken'
                 else 'nothing'
               end
             when s.sent is null then 'nothing'
             -- A column that was mapped since: what the record holds there must not be overwritten unseen.
             when map.first_read_at is null and map.direction = 'both' and s.unknown then 'first_read'
             when i.rewrites >= 20 and i.rewrites_since > pg_catalog.clock_timestamp() - interval '10 min' then 'flapping'
             else 'update'
           end,
           case when s.reverts then '{"revert": true}'::jsonb else '{}' end
           || case when i.pulled_at > pg_catalog.clock_timestamp() - interval '10 min' and s.sent is not null then '{"rewrite": true}'::jsonb else '{}' end
           -- A row that is gone has nothing to send: what was sent of it is in its link.
           || case when coalesce(s.sent, s.everything) is null then '{}'
                   when i.id is null or i.remote_id is null or i.remote_gone_at is not null then pg_catalog.jsonb_build_object('sent', s.everything, 'sent_local', s.everything_local)
                   else pg_catalog.jsonb_build_object('sent', s.sent, 'sent_local', s.sent_local) end
           || case when s.agreed_local is null or i.remote_id is null then '{}'
                   else pg_catalog.jsonb_build_object('agreed_local', s.agreed_local, 'agreed_remote', s.agreed_remote) end
      from item i
      left join parent p on p.n = i.n
      left join narrow w on w.local_key = i.key
      -- Row by row: a group of all fields of all rows costs twice as much.
      left join lateral (
        select pg_catalog.jsonb_object_agg(g.field, g.payload) filter (where g.goes) as sent,
               pg_catalog.jsonb_object_agg(g.field, g.present) filter (where g.goes) as sent_local,
               pg_catalog.jsonb_object_agg(g.field, g.present) filter (where g.agreed) as agreed_local,
               pg_catalog.jsonb_object_agg(g.field, coalesce(g.remote_before, g.payload)) filter (where g.agreed) as agreed_remote,
               pg_catalog.jsonb_object_agg(g.field, g.payload) filter (where g.born) as everything,
               pg_catalog.jsonb_object_agg(g.field, g.present) filter (where g.born) as everything_local,
               pg_catalog.bool_or(g.theirs and g.changed and not coalesce(g.same, false)) as reverts,
               pg_catalog.bool_or(g.local_before is null and not coalesce(g.uncertain, false) and g.direction = 'both') as unknown
          from (
            select j.*,
                   j.changed and not coalesce(j.same, false) and not coalesce(j.theirs, false) and (j.authority is distinct from 'reference' or j.local_before is null) as goes,
                   j.changed and j.same as agreed
              from (
                select f.*,
                       f.again or coalesce(f.uncertain, false) or f.local_before is null or f.present is distinct from f.local_before as changed,
                       -- A value that the app already shows, or would show the same as before, needs no request.
                       not f.again and not coalesce(f.uncertain, false)
                         and (f.payload = f.remote_before
                              or (f.local_before is not null and f.before is not null and f.payload = f.before)) as same,
                       f.authority = 'source_of_truth' and f.direction = 'both' and f.local_before is not null as theirs
                  from (
                    select c.field, c.authority, c.direction,
                           i.row_image -> c.field as present,
                           coalesce(p.fields -> c.field, i.payload -> c.field) as payload,
                           i.before -> c.field as before,
                           i.local_image -> c.field as local_before,
                           coalesce(i.remote_diff -> c.field, i.local_image -> c.field) as remote_before,
                           i.sent ? c.field as uncertain,
                           i.op & 8 <> 0 as again,
                           i.id is null or i.remote_id is null or i.remote_gone_at is not null as born
                      from mapped c
                     where i.row_image is not null
                       -- An item of the sync list may name the fields that go.
                       and (w.fields is null or w.fields && c.names or c.is_key or coalesce(i.sent ? c.field, false))
                       -- A field that the link knows as it is has nothing to send; a create sends them all.
                       and not (i.remote_id is not null
                                and i.remote_gone_at is null
                                and i.op & 8 = 0
                                and not coalesce(i.sent ? c.field, false)
                                and coalesce(i.row_image -> c.field = i.local_image -> c.field, false))
                     offset 0) as f
               offset 0) as j
          offset 0) as g) s on true;
end;
$$;

comment on function tideway_private.plan_push(tideway.mappings, text[], smallint[], bigint[], jsonb[], jsonb[], boolean[], jsonb[], bigint) is
  'What each row of a batch needs: nothing, a create, an update of the fields that differ, a delete, or to wait, and why.';
