create or replace function tideway_private.schedule_of(map tideway.mappings)
returns table (kind text, schedule text, every_ms bigint, timezone text, windows jsonb, definition text)
language sql
stable
set search_path = ''
as $$
  select s.kind, s.schedule,
         case when tideway_private.fits(s.schedule, 'interval') then (extract(epoch from s.schedule::interval) * 1000)::bigint end,
         o.timezone, s.windows, pg_catalog.concat_ws(' ', s.schedule, o.timezone, s.windows)
    from tideway.organisations o
   cross join (values
     ('poll', coalesce(map.schedule, '1 min'), map.windows,
      -- What only goes out is read once, where existing records are to be matched.
      map.direction <> 'push' or map.match_on is not null and map.first_read_at is null),
     ('sweep', coalesce(map.sweep_schedule, '0 2 * * *'), null, true)) as s (kind, schedule, windows, wanted)
   where o.org_id = map.org_id
     and s.wanted
     and s.schedule <> 'manual'
$$;

comment on function tideway_private.schedule_of(tideway.mappings) is
  'When a mapping is read: polls inside their windows, sweeps at night in the organisation''s zone; nothing where a schedule is manual.';
