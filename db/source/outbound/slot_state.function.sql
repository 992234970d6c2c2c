create or replace function tideway_private.slot_state(slot name)
returns table (
  "exists"           boolean,
  usable             boolean,
  lost               boolean,
  active             boolean,
  confirmed          pg_lsn,
  stored             pg_lsn,
  known              boolean
)
language sql
stable
set search_path = ''
as $$
  select s.slot_name is not null,
         s.plugin = 'pgoutput' and s.database = pg_catalog.current_database(),
         coalesce(s.wal_status = 'lost'
                  -- 16 and later name more reasons than missing log.
                  or pg_catalog.to_jsonb(s) ->> 'invalidation_reason' is not null
                  or coalesce((pg_catalog.to_jsonb(s) ->> 'conflicting')::boolean, false), false),
         coalesce(s.active, false),
         s.confirmed_flush_lsn,
         p.lsn,
         p.slot is not null
    from (select) one
    left join pg_catalog.pg_replication_slots s on s.slot_name = slot_state.slot
    left join tideway_private.positions p on p.slot = slot_state.slot
$$;

comment on function tideway_private.slot_state(name) is
  'What the server says about a slot beside what is stored: confirmed beyond stored means that somebody else moved it.';
