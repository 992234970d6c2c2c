create or replace function tideway_private.ask_refilter(items tideway.sync_list[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_ask record;
begin
  for v_ask in
    select m.number, jsonb_agg(distinct x.remote_id) filter (where x.remote_id is not null) as remote_ids, jsonb_agg(distinct x.id) as items
      from (
        select c.id, c.org_id, c.item_type, s.system, s.remote_id, s.named
          from unnest(items) c
          cross join lateral (values (c.source_platform, c.source_id, c.source_mapping), (c.target_platform, c.target_id, c.target_mapping)) as s (system, remote_id, named)
      ) x
      join tideway.mappings m on m.org_id = x.org_id and m.only_listed and m.state <> 'unmapped'
       and (m.item_type = x.item_type and x.named is null or m.name = x.named)
      join tideway.connections c on c.id = m.connection_id and c.system = x.system
     group by m.number
     order by m.number
  loop
    perform tideway_private.ask('refilter', v_ask.number, null,
      jsonb_build_object('reason', 'list', 'remote_ids', coalesce(v_ask.remote_ids, '[]'), 'items', v_ask.items));
  end loop;
end;
$$;

comment on function tideway_private.ask_refilter(tideway.sync_list[]) is
  'Asks that mappings which keep only listed rows look again at the rows of some items: one request per mapping.';
