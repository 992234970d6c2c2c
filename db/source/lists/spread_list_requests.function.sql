create or replace function tideway_private.spread_list_requests()
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_request   tideway_private.requests;
  v_items     jsonb;
  v_problems  jsonb;
  v_count     integer := 0;
begin
  for v_request in
    select r.* from tideway_private.requests r
     where r.kind = 'delta_sync' and r.connection is null
     order by r.id
       for update skip locked
  loop
    v_count := v_count + 1;
    select coalesce(jsonb_agg(x.item order by x.priority desc, x.id) filter (where x.problem is null), '[]'),
           coalesce(jsonb_agg(jsonb_build_object('id', x.id, 'status', 'failed', 'error', x.problem)) filter (where x.problem is not null), '[]')
      into v_items, v_problems
      from (select s.id, r.problem, s.priority,
                   jsonb_build_object('id', s.id, 'source_id', s.source_id, 'target_id', s.target_id, 'mode', s.sync_mode, 'priority', s.priority, 'source', r.source_mapping,
                                      'target', r.target_mapping,
                                      'synced_at', case when s.error_message is null then s.last_synced_at end,
                                      'source_changed_at', s.source_changed_at) as item
              from tideway.sync_list s
             cross join lateral tideway_private.resolve_list_item(s) r
             where s.org_id = v_request.org_id
               and s.is_active
               and (not v_request.args ? 'ids' or v_request.args -> 'ids' ? s.id::text)
               and (not v_request.args ? 'item_type' or s.item_type = v_request.args ->> 'item_type')
           ) as x;

    perform tideway_private.start_run(null, 'delta', 'sql', v_request.run_id, null, jsonb_array_length(v_items) + jsonb_array_length(v_problems),
                                      org_id => v_request.org_id);
    -- An item that cannot be placed fails alone.
    perform tideway_private.finish_list_items(v_problems);
    perform tideway_private.finish_list_items((select coalesce(jsonb_agg(jsonb_build_object('id', i ->> 'id', 'status', 'pending')), '[]') from jsonb_array_elements(v_items) i));
    perform tideway_private.advance_run(v_request.run_id, jsonb_build_object(
              'processed', jsonb_array_length(v_problems), 'failed', jsonb_array_length(v_problems),
              'errors', (select coalesce(jsonb_agg(jsonb_build_object('item', p -> 'id', 'class', 'VALIDATION_ERROR', 'message', p -> 'error')), '[]')
                           from jsonb_array_elements(v_problems) p)));
    -- The owner of the source reads them, as many as one request may name, and ends one request before the next: what is
    -- more important has arrived before the rest begins.
    insert into tideway_private.requests (org_id, kind, mapping, connection, args, run_id, requested_by)
    select v_request.org_id, 'list_items', m.number, c.number, jsonb_build_object('items', x.items), v_request.run_id, v_request.requested_by
      from (select y.source, jsonb_agg(y.item order by y.n) as items, min(y.n) as first
              from (select (i.item ->> 'source')::integer as source, i.item, i.n, i.item ->> 'priority' as priority,
                           row_number() over (partition by i.item ->> 'source', i.item ->> 'priority' order by i.n) as place
                      from jsonb_array_elements(v_items) with ordinality as i (item, n)) as y
             group by y.source, y.priority, (y.place - 1) / 100) as x
      join tideway.mappings m on m.number = x.source
      join tideway.connections c on c.id = m.connection_id
     order by x.first;
    delete from tideway_private.requests r where r.id = v_request.id;
    if v_items = '[]' then
      perform tideway_private.finish_run(v_request.run_id);
      perform tideway_private.finish_scheduled_sync((select (r.metadata ->> 'part_of')::uuid from tideway.sync_runs r where r.id = v_request.run_id));
    end if;
  end loop;
  if v_count > 0 then
    perform pg_notify('tideway_requests', '');
  end if;
  return v_count;
end;
$$;

comment on function tideway_private.spread_list_requests() is
  'Gives the items of asked list syncs to the owners of their sources; an item without exactly one mapping on each side fails with the reason.';
