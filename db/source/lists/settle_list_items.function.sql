create or replace function tideway_private.settle_list_items(now timestamptz default clock_timestamp())
returns integer
language sql
volatile
set search_path = ''
as $$
  with asked as (
    select (i.item ->> 'id')::uuid as id
      from tideway_private.requests q
     cross join jsonb_array_elements(q.args -> 'items') as i (item)
     where q.kind = 'list_items'
    union all
    select s.id
      from tideway_private.requests q
      join tideway.sync_list s on s.org_id = q.org_id and (not q.args ? 'ids' or q.args -> 'ids' ? s.id::text)
     where q.kind = 'delta_sync' and s.last_sync_status = 'pending'
  ), late as (
    select (x.item).id, (x.item).source_id, (x.item).target_id, (x.item).updated_at as asked_at, r.*
      from (select s as item
              from tideway.sync_list s
             where s.last_sync_status = 'pending'
               and s.updated_at < settle_list_items.now - interval '30 seconds'
               and not exists (select from asked a where a.id = s.id)
             -- In any order: those that stay pending keep none of the others from their turn.
             order by random()
             limit 1000) as x
     cross join lateral tideway_private.resolve_list_item(x.item) r
  ), ended as (
    select x.id, x.status, x.error, x.target_id
      from tideway_private.list_item_states((
             select coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'source', l.source_mapping, 'source_id', l.source_id,
                                                          'target', l.target_mapping, 'target_id', l.target_id)), '[]')
               from late l where l.problem is null)) x
     where x.status <> 'pending'
    union all
    select l.id, 'failed', l.problem, l.target_id from late l where l.problem is not null
  )
  -- They were read after they were asked for: what changed in the source since then is not synced yet.
  select tideway_private.finish_list_items(coalesce(jsonb_agg(to_jsonb(e)), '[]'), min(l.asked_at))
    from ended e
    join late l on l.id = e.id
$$;

comment on function tideway_private.settle_list_items(timestamptz) is
  'Tells list items that were under way when their run had ended how they ended; returns how many have.';
