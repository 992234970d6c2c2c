create or replace function tideway_private.record_errors(mapping integer, run uuid, direction text, errors jsonb)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_recorded integer;
begin
  if coalesce(jsonb_array_length(record_errors.errors), 0) = 0 then
    return 0;
  end if;

  with mapping as (
    select m.id, m.org_id, m.connection_id, c.number as connection, coalesce(m.item_type, m.name) as entity_type, c.system
      from tideway.mappings m
      join tideway.connections c on c.id = m.connection_id
     where m.number = record_errors.mapping
  ), reported as (
    select e.local_key, e.remote_id, e."row", e."column",
           coalesce(c.error_class, 'INTERNAL') as class,
           coalesce(e.code, e.class, 'INTERNAL') as code,
           case e.severity when 'warning' then 'warning' else 'error' end as severity,
           coalesce(e.message, 'No message was given.') as message,
           nullif(e.details, 'null') as details,
           coalesce(e.retryable, false) as retryable,
           case record_errors.direction
             when 'push' then coalesce('l' || e.local_key, 'r' || e.remote_id, '@' || e."row"::text, '')
             else coalesce('r' || e.remote_id, 'l' || e.local_key, '@' || e."row"::text, '')
           end as identity,
           e.nr
      from rows from (
             jsonb_to_recordset(record_errors.errors) as (
               local_key text, remote_id text, "row" bigint, "column" text, class text, code text,
               severity text, message text, details jsonb, retryable boolean)
           ) with ordinality as e (local_key, remote_id, "row", "column", class, code, severity, message, details, retryable, nr)
      -- A class that nobody knows would be refused by the table, and the whole page with it.
      left join tideway_private.error_classes c on c.error_class = e.class
  ), latest as (
    select distinct on (r.identity, coalesce(r."column", ''), r.code) r.*
      from reported r
     order by r.identity, coalesce(r."column", ''), r.code, r.nr desc
  ), matched as materialized (
    select l.*, e.id as error_id, coalesce(e.attempts, 0) + 1 as attempts,
           tideway_private.suggestion(l.class, l.code) as suggestion
      from latest l
      cross join mapping m
      left join tideway.sync_errors e
        on e.mapping_id = m.id
       and e.direction = record_errors.direction
       and e.row_identity = l.identity
       and coalesce(e."column", '') = coalesce(l."column", '')
       and e.code = l.code
       and e.resolved_at is null
  ), free as materialized (
    -- skip locked: somebody may be resolving the same error in an open psql transaction, and Tideway waits for nobody.
    select k.*
      from matched k
      join tideway.sync_errors e on e.id = k.error_id
     where e.resolved_at is null
     order by e.id
       for update of e skip locked
  ), repeated as (
    update tideway.sync_errors e
       set attempts     = e.attempts + 1,
           last_seen_at = greatest(clock_timestamp(), now()),
           run_id       = record_errors.run,
           local_key    = coalesce(f.local_key, e.local_key),
           remote_id    = coalesce(f.remote_id, e.remote_id),
           "row"        = coalesce(f."row", e."row"),
           error_class  = f.class,
           severity     = f.severity,
           message      = f.message,
           details      = f.details,
           retryable    = f.retryable,
           suggestion   = f.suggestion
      from free f
     where e.id = f.error_id
  ), fresh as (
    insert into tideway.sync_errors as e
      (org_id, mapping_id, connection_id, run_id, direction, local_key, remote_id, "row", "column",
       error_class, code, severity, message, suggestion, details, retryable, first_seen_at, last_seen_at)
    select m.org_id, m.id, m.connection_id, record_errors.run, record_errors.direction, k.local_key, k.remote_id, k."row", k."column",
           k.class, k.code, k.severity, k.message, k.suggestion, k.details, k.retryable,
           greatest(clock_timestamp(), now()), greatest(clock_timestamp(), now())
      from matched k
      cross join mapping m
     where k.error_id is null
     order by k.identity, coalesce(k."column", ''), k.code
    on conflict (mapping_id, direction, row_identity, (coalesce("column", '')), code) where resolved_at is null
    do update set attempts = e.attempts + 1, last_seen_at = excluded.last_seen_at, run_id = excluded.run_id, message = excluded.message
  ), held as (
    -- What could not be counted now is asked for again, so that an error is never closed over a later failure.
    insert into tideway_private.requests (org_id, kind, mapping, connection, args, run_id)
    select m.org_id, 'record_errors', record_errors.mapping, m.connection,
           jsonb_build_object('direction', record_errors.direction,
                              'errors', jsonb_agg(to_jsonb(k) - array['identity', 'nr', 'error_id', 'attempts', 'suggestion'])),
           record_errors.run
      from matched k
      cross join mapping m
     where k.error_id is not null
       and k.error_id not in (select f.error_id from free f)
     group by m.org_id, m.connection
  ), failed as (
    select l.identity, jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
             'row', l."row", 'column', l."column", 'error_class', l.class, 'code', l.code, 'severity', l.severity,
             'error', l.message)) order by l.nr) as details,
           (array_agg(l.message order by l.severity, l.nr))[1] as message,
           max(l.attempts) as attempts
      from matched l
     group by l.identity
    having bool_or(l.severity = 'error')
  ), logged as (
    insert into tideway.sync_activity_log
      (org_id, sync_id, run_id, mapping_id, connection_id, entity_type, source_system, action, status,
       record_id, attempt_number, error_message, error_details)
    select m.org_id, record_errors.run::text, record_errors.run, m.id, m.connection_id, m.entity_type, m.system,
           record_errors.direction, 'failed', case when f.identity ~ '^[lr]' then substr(f.identity, 2) end, f.attempts, f.message, f.details
      from failed f
      cross join mapping m
     order by f.identity
    returning 1
  )
  select count(*) into v_recorded from latest;

  return v_recorded;
end;
$$;

comment on function tideway_private.record_errors(integer, uuid, text, jsonb) is
'Keeps one open error per row, column and code, counting repeats, and logs each failed record once.

errors is an array of {local_key, remote_id, row, column, class, code, severity, message, details, retryable}. Call it before
close_errors of the same transaction. An error that somebody is resolving in an open transaction comes back as a request ''record_errors''.';
