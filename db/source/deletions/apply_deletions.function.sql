create or replace function tideway_private.apply_deletions(mapping integer, run uuid, epoch bigint, asked bigint, ids text[])
returns jsonb
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
  v_map     tideway.mappings;
  v_run     tideway.sync_runs;
  v_trouble jsonb;
  v_links   bigint[];
  v_result  jsonb;
begin
  v_map := tideway_private.begin_work(mapping, epoch);
  perform pg_advisory_xact_lock(tideway_private.lock_key('apply'), mapping);
  select r.* into v_run from tideway.sync_runs r where r.id = apply_deletions.run;
  v_trouble := tideway_private.table_trouble(v_map);
  if v_trouble is not null then
    return tideway_private.stop_mapping(v_map, v_trouble);
  elsif not tideway_private.apply_key_moves(mapping) then
    return '{"again": "key_moves"}';
  end if;

  -- Absence counts only for what nobody has touched since the app was asked, and for what the app said when asked by id.
  select array_agg(x.id) into v_links
    from (select l.id from tideway_private.links l
           where l.mapping = apply_deletions.mapping
             and (l.remote_id = any (ids)
                  or exists (select from tideway_private.deletions d where d.link_id = l.id and d.gone_side = 'remote' and d.state = 'released'))
             and l.touched_at <= asked
             and l.remote_gone_at is null
             -- An app that shows its writes late does not show a new record either.
             and not (l.sent is not null and coalesce(l.visible_from > clock_timestamp(), false))
           order by l.id
             for no key update skip locked) as x;
  v_result := tideway_private.take_deletions(v_map, v_run, tideway_private.statements_of(mapping), v_links);
  if v_map.shadow or not coalesce(v_run.dry_run, false) then
    delete from tideway_private.rereads r where r.mapping = apply_deletions.mapping and r.remote_id = any (ids) and r.named < asked;
  end if;
  perform tideway_private.count_records(v_run, 0, jsonb_build_object('deleted', v_result -> 'done', 'held', v_result -> 'held', 'changes', v_result -> 'changes'));
  if v_map.invalidate is not null and not v_map.shadow and not coalesce(v_run.dry_run, false) and (v_result ->> 'done')::integer > 0 then
    perform tideway_private.bump_named_reads(v_map);
  end if;
  return v_result;
end;
$$;

comment on function tideway_private.apply_deletions(integer, uuid, bigint, bigint, text[]) is
  'Carries out deletions that the app confirmed by id, and those that somebody approved.';
