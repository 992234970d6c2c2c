create or replace function tideway.delta_sync(ids uuid[] default null, item_type text default null)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_ids      uuid[] := delta_sync.ids;
  v_run      uuid;
  v_unknown  uuid;
begin
  select i into v_unknown
    from unnest(delta_sync.ids) i
   where not exists (select from tideway.sync_list s where s.id = i and s.org_id = tideway.current_org_id())
   limit 1;
  if found then
    raise exception 'The sync list has no item %.', v_unknown
      using errcode = 'TWLST', hint = 'List them with: select id, source_id, is_active from tideway.sync_list;';
  end if;

  -- A person's items are those that the person sees; a program's are all of its organisation.
  if v_ids is null and tideway.current_user_id() is not null then
    select coalesce(array_agg(s.id order by s.id), '{}') into v_ids from tideway.sync_list s where s.org_id = tideway.current_org_id() and s.is_active;
  end if;

  insert into tideway.sync_runs (org_id, kind, trigger, status, triggered_by, metadata)
  values (tideway.current_org_id(), 'delta',
          case when coalesce(current_setting('request.jwt.claims', true), '') <> '' then 'api' else 'sql' end,
          'pending', coalesce(tideway.current_user_id(), current_user),
          jsonb_strip_nulls(jsonb_build_object('item_type', delta_sync.item_type, 'sync_list_ids', to_jsonb(v_ids))))
  returning id into v_run;
  perform tideway_private.ask('delta_sync', null, null,
    jsonb_strip_nulls(jsonb_build_object('ids', to_jsonb(v_ids), 'item_type', delta_sync.item_type)), v_run);
  return v_run;
end;
$$;

comment on function tideway.delta_sync(uuid[], text) is
'Asks for the active items of the sync list to be synced, all or those named, or of one type; returns the run''s id at once.

delta items are read and written only when they changed, full items always. The result is in tideway.sync_history and in each item.

  select tideway.delta_sync(item_type => ''product'');';
