create or replace function tideway.resolve_conflict(id uuid, choice text, value jsonb default null)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_conflict tideway.conflicts;
  v_mapping  integer;
begin
  perform tideway_private.one_of('choice', resolve_conflict.choice, array['remote', 'local', 'value']);
  if (resolve_conflict.choice = 'value') <> (resolve_conflict.value is not null) then
    raise exception 'The argument value belongs to the choice ''value'', and to no other.'
      using errcode = 'TWARG',
            hint = 'Call tideway.resolve_conflict(id, ''value'', ''"the value"''); a JSON null is written ''null''.';
  end if;

  select c.* into v_conflict from tideway.conflicts c where c.id = resolve_conflict.id;
  if not found then
    raise exception 'There is no conflict with the id %.', coalesce(resolve_conflict.id::text, 'null')
      using errcode = 'TWCFL', hint = 'List the open ones with: select * from tideway.open_conflicts;';
  end if;
  if v_conflict.resolved_at is not null then
    raise exception 'The conflict of column "%" was resolved at % by %.',
      v_conflict."column", v_conflict.resolved_at, coalesce(v_conflict.resolved_by, 'tideway')
      using errcode = 'TWCFL', detail = format('The choice was %s.', v_conflict.resolution),
            hint = 'Change the row itself, on either side, to another value.';
  end if;

  select m.number into v_mapping from tideway.mappings m where m.id = v_conflict.mapping_id;
  perform tideway_private.ask('resolve_conflict', v_mapping, null,
    jsonb_strip_nulls(jsonb_build_object('conflict', resolve_conflict.id, 'choice', resolve_conflict.choice))
    || case when resolve_conflict.choice = 'value' then jsonb_build_object('value', resolve_conflict.value) else '{}' end);
  return 1;
end;
$$;

comment on function tideway.resolve_conflict(uuid, text, jsonb) is
'Decides an open conflict: the app''s value (remote), the table''s (local), or a given one (value); takes effect after the commit.

What stands in the row and in the app at that moment counts, not what the conflict showed when it was found.

  select tideway.resolve_conflict(id, ''local'') from tideway.open_conflicts where "column" = ''price'';';
