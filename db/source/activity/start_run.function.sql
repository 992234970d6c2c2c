create or replace function tideway_private.start_run(
  mapping          integer,
  kind             text,
  trigger          text default 'sql',
  id               uuid default null,
  epoch            bigint default null,
  total            bigint default null,
  connection       integer default null,
  org_id           text default null,
  dry_run          boolean default false,
  row_limit        integer default null,
  force_overwrite  boolean default false,
  triggered_by     text default null,
  metadata         jsonb default '{}'
)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run  tideway.sync_runs;
begin
  insert into tideway.sync_runs as r
    (id, org_id, connection_id, mapping_id, kind, trigger, status, dry_run, row_limit, force_overwrite,
     total_items, triggered_by, epoch, metadata)
  select coalesce(start_run.id, gen_random_uuid()), coalesce(m.org_id, c.org_id, start_run.org_id, tideway.current_org_id()),
         coalesce(m.connection_id, c.id), m.id, start_run.kind, start_run.trigger, 'running', start_run.dry_run or coalesce(m.shadow, false),
         start_run.row_limit, start_run.force_overwrite, start_run.total, start_run.triggered_by, start_run.epoch,
         coalesce(start_run.metadata, '{}')
    from (select) as one
    left join tideway.mappings m on m.number = start_run.mapping
    left join tideway.connections c on c.number = start_run.connection
  -- The request of a person made the row as pending; a dead owner's run is taken up again by the next owner.
  on conflict (id) do update
     set status = 'running',
         started_at = case when r.status = 'pending' then clock_timestamp() else r.started_at end,
         heartbeat_at = clock_timestamp(),
         completed_at = null,
         total_items = coalesce(excluded.total_items, r.total_items),
         epoch = excluded.epoch,
         dry_run = r.dry_run or excluded.dry_run
   where r.status in ('pending', 'running', 'interrupted')
  returning r.* into v_run;

  return coalesce(v_run.id, start_run.id);
end;
$$;

comment on function tideway_private.start_run(integer, text, text, uuid, bigint, bigint, integer, text, boolean, integer, boolean, text, jsonb) is
'Starts a run, or takes up the pending or interrupted one of that id, with its progress row (sync_id = the run''s id); returns the id.

A run without a mapping (delta over a list) names its connection or organisation. A run that has already ended stays as it is. A run of a mapping in shadow is a dry run.';
