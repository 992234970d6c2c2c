create or replace view tideway.health with (security_invoker = true) as
select f.severity, f.what, f.place as "where", f.mend, f.org_id
  from (
    select 'error' as severity, format('%s rows are in the default partition.', case when t.rows >= 10000 then '10000 or more' else t.rows::text end) as what,
           t.name as place, 'select * from tideway.maintain(); if they stay, its answer says who holds a lock' as mend, null::text as org_id
      from tideway_private.stray_rows() t
     where t.rows > 0
    union all
    select 'warning', 'The partition of the next month is missing: maintain() has not run.', p.name, 'select * from tideway.maintain();', null
      from (values ('tideway.sync_activity_log'), ('tideway_private.field_lineage')) as p (name)
     where pg_catalog.to_regclass(p.name || to_char(now() at time zone 'UTC' + interval '1 month', '"_"YYYY"_"MM')) is null
    union all
    select 'error', 'A partition is without row-level security.', c.oid::regclass::text, 'select * from tideway.maintain();', null
      from pg_catalog.pg_inherits i
      join pg_catalog.pg_class c on c.oid = i.inhrelid
     where i.inhparent in ('tideway.sync_activity_log'::regclass, 'tideway_private.field_lineage'::regclass)
       and not c.relrowsecurity
    union all
    select case c.state when 'unauthorized' then 'error' else 'warning' end, format('The connection is %s since %s.', c.state, date_trunc('second', c.paused_at)),
           'connection ' || c.name,
           case c.state when 'unauthorized' then 'give it a valid secret with tideway.connect(...), then ' else '' end
           || format('select tideway.resume_connection(%L);', c.name), c.org_id
      from tideway.connections c
     where c.state <> 'active'
    union all
    select 'warning', format('The mapping is paused since %s (%s).', date_trunc('second', m.paused_at), coalesce(m.paused_code, 'by hand')), 'mapping ' || m.name,
           format('select paused_reason from tideway.mappings where name = %L; then select tideway.resume(%1$L);', m.name), m.org_id
      from tideway.mappings m
     where m.state = 'paused'
    union all
    select case when s.failed > 0 then 'error' else 'warning' end, x.what, 'mapping ' || s.mapping, x.mend, s.org_id
      from tideway.mapping_status s
      cross join lateral (values
        (s.failed > 0, format('%s errors are open, the latest %s.', s.failed, s.last_error_code), format('select * from tideway.failed_rows where mapping = %L; then mend and select tideway.retry_failed_sync(%1$L);', s.mapping)),
        (s.held_deletions > 0, format('%s deletions are held: more than may go at once.', s.held_deletions), format('select run_id, gone_side, count(*) from tideway.held_deletions where mapping = %L group by 1, 2; then select tideway.approve_deletions(mapping => %1$L);', s.mapping)),
        (s.conflicts > 0, format('%s conflicts wait for a choice.', s.conflicts), format('select * from tideway.open_conflicts where mapping = %L; then tideway.resolve_conflict(id, choice)', s.mapping)),
        (s.state = 'active' and s.lag > interval '15 minutes', format('The oldest row has waited %s to be pushed.', date_trunc('second', s.lag)), format('select * from tideway.queue_status where mapping = %L;', s.mapping))
      ) as x (holds, what, mend)
     where x.holds
    union all
    select 'error', case
             when not r.exists then 'The replication slot is gone; the daemon makes a new one and compares all rows.'
             when r.wal_status in ('lost', 'unreserved') then format('The replication slot is %s: Postgres dropped log that it needs.', r.wal_status)
             when r.hours_left < 24 then format('The replication slot is lost in %s hours unless the daemon follows.', r.hours_left)
             else format('Nobody reads the replication slot; it keeps %s.', pg_catalog.pg_size_pretty(r.retained_bytes))
           end, 'slot ' || r.slot, 'start the daemon and look at tideway.replication_status', null
      from tideway.replication_status r
     where not r.exists or r.wal_status in ('lost', 'unreserved') or r.hours_left < 24 or not r.active and r.position_age > interval '1 minute'
    union all
    select 'error', t.trouble ->> 'message', 'slot ' || p.slot, t.trouble ->> 'mend', null
      from tideway_private.positions p
      cross join lateral pg_catalog.jsonb_array_elements(p.troubles) as t (trouble)
    union all
    select 'warning', 'Nothing limits the log that the replication slot keeps: a stopped daemon fills the disk.', 'slot ' || r.slot,
           'alter system set max_slot_wal_keep_size = ''10GB''; select pg_reload_conf();', null
      from tideway.replication_status r
     where r.exists and current_setting('max_slot_wal_keep_size') = '-1'
    union all
    select 'warning', format('A %s run has given no sign of life for %s.', r.kind, date_trunc('second', now() - r.heartbeat_at)), coalesce('mapping ' || m.name, 'run ' || r.id),
           'select * from tideway.maintain(); ends it when its owner is gone', r.org_id
      from tideway.sync_runs r
      left join tideway.mappings m on m.id = r.mapping_id
     where r.status = 'running' and r.heartbeat_at < now() - interval '10 minutes'
    union all
    select 'error', format('Requests have waited for %s: no daemon takes them.', date_trunc('second', now() - q.oldest)), 'daemon', 'start the daemon, or ask it with: tideway doctor', q.org_id
      from (select q.org_id, min(q.requested_at) as oldest from tideway_private.requests q group by q.org_id) q
     where q.oldest < now() - interval '1 minute'
    union all
    select 'error', 'No daemon owns the connection.', 'connection ' || c.name, 'start the daemon, or ask it with: tideway doctor', c.org_id
      from tideway.connections c
     where c.state = 'active'
       and exists (select from tideway.mappings m where m.connection_id = c.id and m.state = 'active')
       and not exists (select from tideway_private.leases l where l.connection = c.number and l.expires_at > now() - interval '30 seconds')
    union all
    select 'warning', format('The app cannot be asked to ring, so changes come with the next poll: %s', s.problem), 'connection ' || c.name,
           'mend what is said, or make the webhook in the app by hand: select tideway.webhook_url(' || quote_literal(c.name) || ');', s.org_id
      from tideway_private.subscriptions s
      join tideway.connections c on c.number = s.connection
     where s.problem is not null
    union all
    select 'warning', format('%s items of the sync list failed.', count(*)), 'sync list', 'select source_id, error_message from tideway.sync_list where last_sync_status = ''failed'';', s.org_id
      from tideway.sync_list s
     where s.is_active and s.last_sync_status = 'failed'
     group by s.org_id
  ) f
 order by f.severity, f.place, f.what;

comment on view tideway.health is
'What needs a person? One row per finding, errors first; no row means that all is well.

"where" is a word of SQL, so it needs its quotes.

  select * from tideway.health;';
comment on column tideway.health.severity is 'error or warning.';
comment on column tideway.health.what is 'What is wrong, in a sentence.';
comment on column tideway.health."where" is 'The thing that it is wrong with.';
comment on column tideway.health.mend is 'What to do, often a statement to paste.';
comment on column tideway.health.org_id is 'The organisation; null when it concerns the whole database.';
