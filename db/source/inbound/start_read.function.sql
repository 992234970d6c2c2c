create or replace function tideway_private.start_read(
  mapping    integer,
  epoch      bigint,
  kind       text,
  whole      boolean,
  changes    boolean,
  trigger    text default 'scheduled',
  run        uuid default null,
  due        text default null,
  next_due   timestamptz default null
)
returns table (run_id uuid, run_kind text, dry_run boolean, row_limit integer, whole_read boolean, cursor jsonb, complete boolean)
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_map      tideway.mappings;
  v_run      tideway.sync_runs;
  v_place    tideway_private.cursors;
  v_resumes  boolean;
begin
  v_map := tideway_private.begin_work(mapping, epoch);
  select r.* into v_run from tideway.sync_runs r where r.id = start_read.run for no key update;
  if start_read.run is not null and (not found or v_run.status not in ('pending', 'running', 'interrupted')) then
    return;
  end if;

  select c.* into v_place from tideway_private.cursors c
   where c.mapping = start_read.mapping and c.kind = 'changes' and c.generation = v_map.generation and c.cursor is not null;
  whole_read := not changes or v_place.cursor is null or start_read.kind in ('full', 'sweep', 'preview') or coalesce(v_run.metadata ->> 'read' = 'whole', false);
  -- One read of everything at a time: the caller comes again when it has room for one.
  if whole_read and not whole then
    return next;
    return;
  end if;

  -- What an earlier owner left in the middle is taken up rather than begun anew.
  if whole_read and start_read.run is null and start_read.kind in ('delta', 'full', 'sweep') then
    select r.* into v_run
      from tideway_private.cursors c
      join tideway.sync_runs r on r.id = c.run_id and tideway_private.was_left(r)
     where c.mapping = start_read.mapping and c.kind = 'whole' and c.generation = v_map.generation
       and (start_read.kind <> 'sweep' or r.kind = 'sweep')
       for no key update of r;
  end if;

  if next_due is not null then
    update tideway_private.due_reads d
       set due_at = next_due, trigger = 'scheduled'
     where d.mapping = start_read.mapping and d.kind = due;
  end if;
  run_id := tideway_private.start_run(mapping, case when start_read.kind = 'delta' and whole_read then 'full' else start_read.kind end,
                                      start_read.trigger, coalesce(start_read.run, v_run.id), epoch);
  select r.* into v_run from tideway.sync_runs r where r.id = run_id for no key update;

  v_resumes := not v_run.dry_run;
  if whole_read then
    select c.* into v_place from tideway_private.cursors c where c.mapping = start_read.mapping and c.kind = 'whole';
    -- What was seen does not survive a crash of the server; without it nothing could be called absent.
    v_resumes := v_resumes and coalesce(v_place.run_id = v_run.id and v_place.generation = v_map.generation, false)
                 and (v_run.kind not in ('full', 'sweep') or v_run.rows_processed = 0
                      or exists (select from tideway_private.seen_pages s where s.run_id = v_run.id));
    if not v_resumes then
      delete from tideway_private.seen_pages s
       where s.run_id in (select v_run.id union all
                          select r.id from tideway.sync_runs r
                           where r.mapping_id = v_map.id and r.kind in ('full', 'sweep', 'preview') and r.status in ('interrupted', 'failed', 'cancelled'));
      delete from tideway_private.cursors c where c.mapping = start_read.mapping and c.kind = 'whole' and not v_run.dry_run;
      v_place := null;
    end if;
  end if;
  update tideway.sync_runs r
     set metadata = r.metadata || jsonb_build_object('read', case when whole_read then 'whole' else 'changes' end, 'generation', v_map.generation),
         rows_processed = case when v_resumes then r.rows_processed else 0 end,
         rows_created = case when v_resumes then r.rows_created else 0 end,
         rows_updated = case when v_resumes then r.rows_updated else 0 end,
         rows_deleted = case when v_resumes then r.rows_deleted else 0 end,
         rows_skipped = case when v_resumes then r.rows_skipped else 0 end,
         rows_failed = case when v_resumes then r.rows_failed else 0 end,
         rows_held = case when v_resumes then r.rows_held else 0 end,
         changes = case when v_resumes then r.changes end
   where r.id = v_run.id;
  run_kind := v_run.kind;
  dry_run := v_run.dry_run;
  row_limit := v_run.row_limit;
  cursor := v_place.cursor;
  complete := whole_read and v_place.complete_at is not null;
  return next;
end;
$$;

comment on function tideway_private.start_read(integer, bigint, text, boolean, boolean, text, uuid, text, timestamptz) is
'Starts a run that reads, or takes one up where its last page was stored, and plans the next one in the same transaction.

No row: the run has ended already. A row without a run: everything has to be read, and the caller has no room for that now.';
