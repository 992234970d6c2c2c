create or replace function tideway_private.record_shadow(map tideway.mappings, epoch bigint, max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set intervalstyle = 'postgres'
set extra_float_digits = 1
set bytea_output = 'hex'
set lc_monetary = 'C'
as $$
#variable_conflict use_column
declare
  v_trouble  jsonb;
  v_keys     text[];
  v_ops      smallint[];
  v_changes  jsonb;
  v_count    integer;
  v_run      uuid;
begin
  v_trouble := tideway_private.table_trouble(map, writes => false);
  if v_trouble is not null then
    perform tideway_private.stop_mapping(map, v_trouble);
    return 0;
  elsif not tideway_private.apply_key_moves(map.number) then
    return 0;
  end if;

  with taken as (
    delete from tideway_private.outbox o
     where o.ctid = any (array(
             select q.ctid
               from tideway_private.outbox q
              where q.mapping = map.number
                and (q.xid is null or pg_visible_in_snapshot(q.xid, pg_current_snapshot()))
              order by q.seq
              limit max_rows
                for update skip locked))
    returning o.local_key, o.op
  )
  select array_agg(t.local_key order by t.local_key collate "C"), array_agg(t.op order by t.local_key collate "C")
    into v_keys, v_ops
    from taken t;
  if v_keys is null then
    return 0;
  end if;

  select count(*), jsonb_agg(
           case
             when p.problem is not null then jsonb_build_object('op', 'error', 'key', v_keys[p.n]) || p.problem
             else jsonb_build_object('op', x.op, 'key', v_keys[p.n], 'remote_id', l.remote_id, 'fields', (
               select jsonb_object_agg(c.remote, jsonb_build_object('from', coalesce(l.remote_diff -> c.field, l.local_image -> c.field), 'to', e.value))
                 from jsonb_each(p.plan -> 'sent') e
                 join tideway.mapping_columns c on c.mapping_id = map.id and c.field = e.key
                where x.op <> 'delete'))
           end order by p.n)
    into v_count, v_changes
    from tideway_private.plan_rows(map, tideway_private.statements_of(map.number), v_keys, v_ops, 0) p
   cross join lateral (select case when p.verdict in ('create', 'first_read', 'dependency', 'rebirth') then 'create'
                                   when p.verdict in ('delete', 'soft_delete') then 'delete'
                                   when p.verdict = 'update' then 'update' end as op) as x
    left join tideway_private.links l on l.id = p.link_id
   where x.op is not null or p.problem is not null;

  if v_count > 0 then
    v_run := tideway_private.start_run(map.number, 'push', epoch => record_shadow.epoch, total => v_count);
    update tideway.sync_runs r
       set changes = v_changes,
           rows_processed = v_count,
           rows_created = (select count(*) from jsonb_array_elements(v_changes) c where c ->> 'op' = 'create'),
           rows_updated = (select count(*) from jsonb_array_elements(v_changes) c where c ->> 'op' = 'update'),
           rows_deleted = (select count(*) from jsonb_array_elements(v_changes) c where c ->> 'op' = 'delete'),
           rows_failed = (select count(*) from jsonb_array_elements(v_changes) c where c ->> 'op' = 'error')
     where r.id = v_run;
    perform tideway_private.finish_run(v_run);
  end if;
  return cardinality(v_keys);
end;
$$;

comment on function tideway_private.record_shadow(tideway.mappings, bigint, integer) is
  'Takes marks of a mapping in shadow and records as a dry run what they would send; nothing is sent, no link changes.';
