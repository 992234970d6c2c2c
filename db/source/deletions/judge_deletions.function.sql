create or replace function tideway_private.judge_deletions(map tideway.mappings, side text, run uuid, link_ids bigint[])
returns bigint[]
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_open     bigint;
  v_allowed  bigint := 10;
  v_free     bigint[];
begin
  insert into tideway_private.deletions (mapping, org_id, link_id, gone_side, run_id)
  select map.number, map.org_id, x.id, side, run
    from unnest(link_ids) as x (id)
   order by x.id
  on conflict (link_id) where state in ('pending', 'held', 'released') do nothing;

  -- What waits and what went in the last day count together: a million deletions come as many small batches.
  select count(*) into v_open
    from tideway_private.deletions d
   where d.mapping = map.number
     and d.gone_side = side
     and (d.state in ('pending', 'held') or (d.state in ('released', 'done') and d.decided_by is null and d.found_at > clock_timestamp() - interval '1 day'));
  if v_open > v_allowed then
    select greatest(v_allowed, floor(map.max_delete_ratio * (count(*) filter (where l.local_gone_at is null and l.remote_gone_at is null)
                                                             + (select count(*) from tideway_private.deletions d
                                                                 where d.mapping = map.number and d.gone_side = side and d.state = 'done'
                                                                   and d.found_at > clock_timestamp() - interval '1 day'))))
      into v_allowed
      from tideway_private.links l where l.mapping = map.number;
  end if;

  if v_open > v_allowed then
    update tideway_private.deletions d
       set state = 'held'
     where d.mapping = map.number and d.gone_side = side and d.state = 'pending';
  else
    update tideway_private.deletions d
       set state = 'released', decided_at = clock_timestamp()
     where d.mapping = map.number and d.gone_side = side and d.state in ('pending', 'held');
  end if;

  select array_agg(d.link_id) into v_free
    from tideway_private.deletions d
   where d.link_id = any (link_ids) and d.gone_side = side and d.state = 'released';
  return coalesce(v_free, '{}');
end;
$$;

comment on function tideway_private.judge_deletions(tideway.mappings, text, uuid, bigint[]) is
  'Registers rows or records found gone and returns those that may be deleted on the other side; above max_delete_ratio in a day all are held.';
