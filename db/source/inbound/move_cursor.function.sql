create or replace function tideway_private.move_cursor(map tideway.mappings, run tideway.sync_runs, cursor jsonb, complete boolean)
returns void
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_whole       boolean := coalesce(run.metadata ->> 'read' = 'whole', run.kind in ('full', 'sweep'), false);
  -- A mapping that was defined anew while it was read has not been read as it is now.
  v_generation  integer := coalesce((run.metadata ->> 'generation')::integer, map.generation);
begin
  insert into tideway_private.cursors as c (mapping, kind, org_id, cursor, run_id, page, generation, read_at, complete_at)
  values (map.number, case when v_whole then 'whole' else 'changes' end, map.org_id,
          case when not (v_whole and complete) then move_cursor.cursor end, run.id, 1, v_generation,
          clock_timestamp(), case when complete then clock_timestamp() end)
  on conflict on constraint cursors_pkey do update
     set cursor = excluded.cursor,
         page = case when c.run_id is not distinct from excluded.run_id then c.page + 1 else 1 end,
         run_id = excluded.run_id,
         generation = excluded.generation,
         read_at = excluded.read_at,
         complete_at = coalesce(excluded.complete_at, c.complete_at);

  -- From here a read of changes begins, unless one goes on already: it knows at least as much.
  if v_whole and complete then
    insert into tideway_private.cursors as c (mapping, kind, org_id, cursor, run_id, page, generation, read_at, complete_at)
    values (map.number, 'changes', map.org_id, move_cursor.cursor, run.id, 0, v_generation, clock_timestamp(), clock_timestamp())
    on conflict on constraint cursors_pkey do update
       set cursor = excluded.cursor, run_id = excluded.run_id, page = 0, generation = excluded.generation,
           read_at = excluded.read_at, complete_at = excluded.complete_at
     where c.cursor is null
        or c.generation <> excluded.generation;
  end if;

  -- Creates that waited for the first complete read may go now, and the rows that stood here before are compared.
  if complete and v_generation = map.generation and map.first_read_at is null and run.row_limit is null and run.kind in ('full', 'sweep', 'pull', 'delta') then
    update tideway.mappings m set first_read_at = clock_timestamp() where m.id = map.id and m.first_read_at is null;
    update tideway_private.waiting w set due_at = clock_timestamp()
     where w.mapping = map.number and w.reason = 'dependency';
    if map.direction <> 'pull' then
      perform tideway_private.ask_to_compare(map.number, 'the app was read for the first time', null);
    end if;
  end if;
end;
$$;

comment on function tideway_private.move_cursor(tideway.mappings, tideway.sync_runs, jsonb, boolean) is
'Stores how far a mapping has been read, in the transaction of the page itself.

A read of everything has a place of its own, so that reads of changes go on beside it.';
