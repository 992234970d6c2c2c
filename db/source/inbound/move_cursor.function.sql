create or replace function tideway_private.move_cursor(map tideway.mappings, run tideway.sync_runs, cursor jsonb, complete boolean)
returns void
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
begin
  insert into tideway_private.cursors as c (mapping, org_id, cursor, run_id, page, read_at, complete_at)
  values (map.number, map.org_id, move_cursor.cursor, run.id, 1, clock_timestamp(), case when complete then clock_timestamp() end)
  on conflict on constraint cursors_pkey do update
     set cursor = excluded.cursor,
         page = case when c.run_id is not distinct from excluded.run_id then c.page + 1 else 1 end,
         run_id = excluded.run_id,
         read_at = excluded.read_at,
         complete_at = coalesce(excluded.complete_at, c.complete_at);

  -- Creates that waited for the first complete read may go now.
  if complete and map.first_read_at is null and run.row_limit is null and run.kind in ('full', 'sweep', 'pull', 'delta') then
    update tideway.mappings m set first_read_at = clock_timestamp() where m.id = map.id and m.first_read_at is null;
    update tideway_private.waiting w set due_at = clock_timestamp()
     where w.mapping = map.number and w.reason = 'dependency';
  end if;
end;
$$;

comment on function tideway_private.move_cursor(tideway.mappings, tideway.sync_runs, jsonb, boolean) is
  'Stores how far a mapping has been read, in the transaction of the page itself.';
