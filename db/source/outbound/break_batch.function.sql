create or replace function tideway_private.break_batch(batch bigint, epoch bigint, code text, message text)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_batch  tideway_private.in_flight;
  v_map    tideway.mappings;
begin
  delete from tideway_private.in_flight f
   where f.id = break_batch.batch and f.epoch = break_batch.epoch and f.prepared_at is null
  returning f.* into v_batch;
  if not found then
    return 0;
  end if;
  if cardinality(v_batch.keys) > 1 then
    insert into tideway_private.outbox as o (mapping, local_key, lane, op, xid, org_id)
    select v_batch.mapping, x.key, (hashtextextended(x.key, 0) & 15)::smallint, x.op, x.xid, v_batch.org_id
      from unnest(v_batch.keys, v_batch.ops, v_batch.xids) as x (key, op, xid)
     order by x.key collate "C"
    on conflict on constraint outbox_pkey do update set op = o.op | excluded.op;
    return cardinality(v_batch.keys);
  end if;

  select m.* into v_map from tideway.mappings m where m.number = v_batch.mapping;
  insert into tideway_private.waiting as w (mapping, local_key, org_id, reason, op)
  values (v_batch.mapping, v_batch.keys[1], v_batch.org_id, 'failed', v_batch.ops[1])
  on conflict on constraint waiting_pkey do update set reason = 'failed', due_at = null, marked = true, op = w.op | excluded.op;
  perform tideway_private.record_errors(v_batch.mapping, null, 'push', jsonb_build_array(jsonb_build_object(
    'local_key', v_batch.keys[1], 'class', 'TRANSFORM_ERROR', 'code', break_batch.code, 'message', break_batch.message)));
  return 1;
end;
$$;

comment on function tideway_private.break_batch(bigint, bigint, text, text) is
'Gives back a batch that could not even be prepared, so that the caller claims fewer rows; a row that is alone is failed with its error.

A transform of the user''s own that raises an error would otherwise stop all rows beside it.';
