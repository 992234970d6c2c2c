create or replace function tideway_private.carry_out_retry(mapping integer, args jsonb, op smallint default 4)
returns void
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_map   tideway.mappings;
  v_keys  text[];
  v_ids   text[];
begin
  -- Whoever touches waiting rows and marks together takes the lock of the claims first.
  perform pg_advisory_xact_lock(tideway_private.lock_key('claim'), mapping);
  select m.* into v_map from tideway.mappings m where m.number = carry_out_retry.mapping;

  if args ? 'local_key' then
    v_keys := array[args ->> 'local_key'];
    select array_agg(l.remote_id) into v_ids
      from tideway_private.row_links l where l.mapping = v_map.number and l.local_key = args ->> 'local_key' and l.remote_id is not null;
  elsif args ? 'remote_id' then
    v_ids := array[args ->> 'remote_id'];
  else
    select array_agg(r.local_key) filter (where r.direction = 'push'), array_agg(coalesce(r.remote_id, l.remote_id)) filter (where r.direction = 'pull')
      into v_keys, v_ids
      from tideway_private.rows_to_retry(v_map.number, args ->> 'error_class') r
      left join tideway_private.row_links l on l.mapping = v_map.number and l.local_key = r.local_key;
  end if;

  -- A request without an answer may still land: nothing is sent after it before its longest life is over, whoever asks.
  update tideway_private.waiting w
     set reason = 'retry', due_at = l.unanswered_until, attempts_started = 0, attempts_finished = 0, op = w.op | carry_out_retry.op
    from tideway_private.row_links l
   where w.mapping = v_map.number and w.local_key = any (v_keys) and w.reason in ('retry', 'failed', 'dependency')
     and l.mapping = w.mapping and l.local_key = w.local_key
     and l.unanswered_until > clock_timestamp();
  delete from tideway_private.waiting w
   where w.mapping = v_map.number and w.local_key = any (v_keys) and w.reason in ('retry', 'failed', 'dependency')
     and (w.due_at is null or not exists (
           select from tideway_private.row_links l
            where l.mapping = w.mapping and l.local_key = w.local_key and l.unanswered_until > clock_timestamp()));
  if v_map.direction <> 'push' and v_ids is not null then
    insert into tideway_private.rereads as r (mapping, remote_id, org_id, reason, compare)
    select v_map.number, x, v_map.org_id, 'retry', true from unnest(v_ids) x where x is not null
    on conflict on constraint rereads_pkey do update set due_at = clock_timestamp(), attempts = 0, compare = true;
  end if;
  if v_map.direction <> 'pull' and v_keys is not null then
    perform tideway_private.mark_keys(v_map.number,
      array(select k from unnest(v_keys) k
             where not exists (select from tideway_private.waiting w where w.mapping = v_map.number and w.local_key = k and w.due_at > clock_timestamp())), op);
  end if;
end;
$$;

comment on function tideway_private.carry_out_retry(integer, jsonb, smallint) is
  'Puts failed rows back with a new count of attempts, and has their records read again.';
