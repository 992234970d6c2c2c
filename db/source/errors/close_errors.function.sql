create or replace function tideway_private.close_errors(mapping integer, direction text, local_keys text[], remote_ids text[])
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_mapping_id uuid;
  v_closed     integer;
begin
  select m.id into v_mapping_id from tideway.mappings m where m.number = close_errors.mapping;

  -- Nearly every page closes nothing: one look spares the join with thousands of keys.
  if not exists (select from tideway.sync_errors e
                  where e.mapping_id = v_mapping_id and e.direction = close_errors.direction and e.resolved_at is null) then
    return 0;
  end if;

  with free as (
    -- Older than this transaction: what it has reported itself, such as a warning on a row that succeeded, stays.
    select e.id
      from tideway.sync_errors e
     where e.mapping_id = v_mapping_id
       and e.direction = close_errors.direction
       and e.resolved_at is null
       and e.last_seen_at < now()
       and (e.local_key in (select unnest(close_errors.local_keys)) or e.remote_id in (select unnest(close_errors.remote_ids)))
     order by e.id
       for update skip locked
  )
  update tideway.sync_errors e
     set resolved_at = clock_timestamp(),
         resolved_by = 'tideway',
         resolution_notes = 'The row succeeded.'
    from free f
   where e.id = f.id;

  get diagnostics v_closed = row_count;
  return v_closed;
end;
$$;

comment on function tideway_private.close_errors(integer, text, text[], text[]) is
'Closes the open errors of rows that succeeded, except those reported in the same transaction: record first, then close.';
