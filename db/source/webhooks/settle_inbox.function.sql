create or replace function tideway_private.settle_inbox(max_rows integer default 500)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_connections integer[];
  v_ids         text[];
  v_moment      bigint;
  v_mapping     integer;
begin
  select array_agg(x.connection), array_agg(x.delivery_id) into v_connections, v_ids
    from (select i.connection, i.delivery_id
            from tideway_private.inbox i
           where i.settled_at is null
           order by i.received_at
           limit max_rows
             for update skip locked) as x;
  if v_ids is null then
    return 0;
  end if;
  -- Taken when the deliveries are seen: a read that was asked for earlier may not show what they speak of.
  v_moment := nextval('tideway_private.moments');

  insert into tideway_private.rereads as r (mapping, remote_id, org_id, reason, named)
  select distinct m.number, id.id collate "C", m.org_id, 'webhook', v_moment
    from unnest(v_connections, v_ids) as t (connection, delivery_id)
    join tideway_private.inbox i on i.connection = t.connection and i.delivery_id = t.delivery_id
   cross join lateral jsonb_array_elements(i.changed) as c (item)
   cross join lateral jsonb_array_elements_text(c.item -> 'ids') as id (id)
    join tideway.connections n on n.number = i.connection
    join tideway.mappings m on m.connection_id = n.id
   where m.direction in ('pull', 'both')
     and m.state in ('pending', 'active', 'paused')
     and m.remote_table = coalesce(c.item ->> 'table', m.remote_table)
   order by m.number, id.id collate "C"
  on conflict on constraint rereads_pkey do update
     set due_at = clock_timestamp(), attempts = 0, named = excluded.named;

  for v_mapping in
    select distinct m.number
      from unnest(v_connections, v_ids) as t (connection, delivery_id)
      join tideway_private.inbox i on i.connection = t.connection and i.delivery_id = t.delivery_id
      join tideway.connections n on n.number = i.connection
      join tideway.mappings m on m.connection_id = n.id
     where m.direction in ('pull', 'both')
       and m.state = 'active'
       and (i.changed = '[]'
            or exists (select from jsonb_array_elements(i.changed) as c (item)
                        where jsonb_array_length(c.item -> 'ids') = 0
                          and m.remote_table = coalesce(c.item ->> 'table', m.remote_table)))
     order by m.number
  loop
    perform tideway_private.read_soon(v_mapping);
  end loop;

  update tideway_private.inbox i
     set settled_at = clock_timestamp()
    from unnest(v_connections, v_ids) as t (connection, delivery_id)
   where i.connection = t.connection and i.delivery_id = t.delivery_id;

  perform pg_notify('tideway_requests', c.connection::text) from (select distinct unnest(v_connections) as connection) as c;
  return cardinality(v_ids);
end;
$$;

comment on function tideway_private.settle_inbox(integer) is
'Turns stored deliveries into work for the owners: named records go to the re-read list, tables without ids are read soon; returns how many it settled.

Many deliveries about one record become one read.';
