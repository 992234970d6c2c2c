create or replace function tideway_private.tg_sync_activity_log__fill_duration()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  new.duration_ms := coalesce(new.duration_ms, round(new.duration_seconds * 1000));
  new.duration_seconds := coalesce(new.duration_seconds, new.duration_ms / 1000.0);
  return new;
end;
$$;

comment on function tideway_private.tg_sync_activity_log__fill_duration() is
  'Fills duration_ms from duration_seconds, or the other way round.';
