create or replace function tideway.maintain(now timestamptz default now())
returns table (task text, object text, affected bigint)
language plpgsql
volatile
security definer
set search_path = ''
set timezone = 'UTC'
set lock_timeout = '1s'
as $$
declare
  v_now    timestamptz := coalesce(maintain.now, clock_timestamp());
  v_keep   jsonb;
  v_job    record;
  v_try    integer;
  v_count  bigint;
begin
  -- Tomorrow's clock would delete today's log, so only the owner may bring one.
  if v_now > clock_timestamp() + interval '1 minute' and not pg_has_role(session_user, 'tideway_owner', 'usage') then
    raise exception 'maintain() was given a time in the future, which would delete what is still kept.'
      using errcode = '42501', hint = 'Leave the argument out: select * from tideway.maintain();';
  end if;
  if not pg_try_advisory_xact_lock(hashtextextended('tideway.maintain', 0)) then
    return query select 'left to the call that is running', null::text, null::bigint;
    return;
  end if;
  select jsonb_object_agg(r.kind, r.keep) into v_keep from tideway.retention r;

  for v_job in
    select j.nr, j.task, j.object, j.sql
      from (values
        (1, 'runs interrupted', 'tideway.sync_runs', 'select tideway_private.interrupt_runs($1)'),
        (2, 'progress timed out', 'tideway.sync_progress',
            'with late as (
               select p.id from tideway.sync_progress p
                where p.completed_at is null and p.run_id is null and p.updated_at < $1 - (select h.progress_timeout from tideway_private.housekeeping h)
                  for no key update skip locked
             ), ended as (
               update tideway.sync_progress p set status = ''timeout'' from late where p.id = late.id returning 1
             ) select count(*) from ended'),
        (3, 'previews deleted', 'tideway.sync_preview_cache',
            'with gone as (delete from tideway.sync_preview_cache where expires_at <= $1 returning 1) select count(*) from gone'),
        (4, 'hours counted', 'tideway_private.hourly_counts', 'select tideway_private.refresh_statistics($1)'),
        (5, 'runs deleted', 'tideway.sync_runs',
            'with gone as (delete from tideway.sync_runs where completed_at < $1 - ($2 ->> ''runs'')::interval returning 1) select count(*) from gone'),
        (6, 'runs of idle polls deleted', 'tideway.sync_runs',
            'with gone as (
               delete from tideway.sync_runs r
                where r.completed_at < $1 - ($2 ->> ''polls'')::interval
                  and r.kind = ''delta'' and r.trigger = ''scheduled'' and r.status = ''completed''
                  and r.rows_created + r.rows_updated + r.rows_deleted + r.rows_pushed + r.rows_held + r.rows_failed = 0
                  and exists (select from tideway.sync_runs n where n.mapping_id = r.mapping_id and n.completed_at > r.completed_at
                                 and n.kind = ''delta'' and n.status = ''completed'')
               returning 1
             ) select count(*) from gone'),
        (7, 'progress deleted', 'tideway.sync_progress',
            'with gone as (delete from tideway.sync_progress where completed_at < $1 - ($2 ->> ''progress'')::interval returning 1) select count(*) from gone'),
        (8, 'errors deleted', 'tideway.sync_errors',
            'with gone as (delete from tideway.sync_errors where resolved_at < $1 - ($2 ->> ''errors'')::interval returning 1) select count(*) from gone'),
        (9, 'conflicts deleted', 'tideway.conflicts',
            'with gone as (delete from tideway.conflicts where resolved_at < $1 - ($2 ->> ''conflicts'')::interval returning 1) select count(*) from gone'),
        (10, 'hours deleted', 'tideway_private.hourly_counts',
            'with gone as (delete from tideway_private.hourly_counts where hour < $1 - ($2 ->> ''statistics'')::interval returning 1) select count(*) from gone'),
        (11, 'deliveries deleted', 'tideway_private.inbox',
            'with gone as (delete from tideway_private.inbox where received_at < $1 - interval ''7 days'' and settled_at is not null returning 1) select count(*) from gone'),
        -- Partitions last: their locks are held until the end of the transaction, and everybody's reads would wait.
        (12, null, 'tideway.sync_activity_log', 'activity'),
        (13, null, 'tideway_private.field_lineage', 'lineage')
      ) as j (nr, task, object, sql)
     order by j.nr
  loop
    for v_try in 1 .. 3 loop
      begin
        if v_job.task is null then
          return query select * from tideway_private.maintain_partitions(v_job.object::regclass, (v_keep ->> v_job.sql)::interval, v_now);
        else
          execute v_job.sql into v_count using v_now, v_keep;
          if v_count > 0 then
            return query select v_job.task, v_job.object, v_count;
          end if;
        end if;
        exit;
      exception when lock_not_available or deadlock_detected then
        if v_try = 3 then
          return query select 'left for the next call: somebody holds a lock', v_job.object, null::bigint;
        end if;
      end;
    end loop;
  end loop;
end;
$$;

comment on function tideway.maintain(timestamptz) is
'Keeps the house: partitions three months ahead, retention (tideway.retention), expired previews, late progress, interrupted runs, statistics. One row per thing done.

The daemon calls it hourly and anybody may; two calls do not collide. It waits at most three times a second for a lock, then leaves that part for the next call.

  select * from tideway.maintain();';
