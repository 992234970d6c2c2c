create or replace function tideway_private.pending_run(
  mapping          tideway.mappings,
  kind             text,
  dry_run          boolean default false,
  row_limit        integer default null,
  force_overwrite  boolean default false
)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_run uuid;
begin
  -- What is not active would leave a run that waits for ever; a dry run may look at a draft before it is activated.
  if (mapping).state in ('unmapped', 'paused') or (mapping).state = 'draft' and not pending_run.dry_run then
    raise exception 'The mapping "%" is %, so nothing was started.', (mapping).name, (mapping).state
      using errcode = 'TWSTA',
            detail = coalesce((mapping).paused_reason, ''),
            hint = case (mapping).state
                     when 'paused' then format('Resume it first: select tideway.resume(%L);', (mapping).name)
                     else format('Activate it first: select tideway.activate(%L);', (mapping).name)
                   end;
  end if;

  insert into tideway.sync_runs
    (org_id, connection_id, mapping_id, kind, trigger, status, dry_run, row_limit, force_overwrite, triggered_by)
  values
    ((mapping).org_id, (mapping).connection_id, (mapping).id, pending_run.kind,
     case when coalesce(current_setting('request.jwt.claims', true), '') <> '' then 'api' else 'sql' end,
     'pending', pending_run.dry_run, pending_run.row_limit, pending_run.force_overwrite,
     coalesce(tideway.current_user_id(), current_user))
  returning id into v_run;

  return v_run;
end;
$$;

comment on function tideway_private.pending_run(tideway.mappings, text, boolean, integer, boolean) is
  'Makes the run that a request asks for; it is pending until the daemon takes it. Raises TWSTA for a mapping that cannot run.';
