-- Nothing is for everybody. Without a schema, since defaults of one schema can only add to the global ones.
alter default privileges for role tideway_owner revoke all on functions from public;
alter default privileges for role tideway_owner revoke all on types from public;
revoke all on schema tideway, tideway_private from public;
revoke all on all tables in schema tideway, tideway_private from public, tideway_reader, tideway_operator, tideway_daemon, tideway_monitor;
revoke all on all sequences in schema tideway, tideway_private from public, tideway_reader, tideway_operator, tideway_daemon, tideway_monitor;
revoke all on all routines in schema tideway, tideway_private from public, tideway_reader, tideway_operator, tideway_daemon, tideway_monitor;

grant execute on function tideway.whoami() to tideway_reader, tideway_operator, tideway_daemon, tideway_monitor;
grant usage on schema tideway, tideway_private to tideway_reader, tideway_operator, tideway_daemon, tideway_monitor;

-- What a later file or a later release makes, until this file runs again. Never for readers: a definer function would be open to them.
alter default privileges for role tideway_owner in schema tideway, tideway_private
  grant execute on functions to tideway_operator, tideway_daemon;
alter default privileges for role tideway_owner in schema tideway
  grant select on tables to tideway_reader, tideway_operator, tideway_daemon;

-- Any role may own a mapped table, and its conversions run as that role. They look at nothing but their arguments.
grant usage on schema tideway to public;
grant execute on function tideway.transform(jsonb, text, text), tideway.input_is_valid(text, text), tideway.read_amount(text),
  tideway.builtin_transforms() to public;

-- The daemon: everything but TRUNCATE, which no policy stops.
grant select, insert, update, delete on all tables in schema tideway, tideway_private to tideway_daemon;
grant usage, select on all sequences in schema tideway, tideway_private to tideway_daemon;
grant execute on all routines in schema tideway, tideway_private to tideway_daemon;

-- Readers look at everything of their organisation but secrets. The engine's functions run as their caller,
-- so what somebody may do is decided by the tables, and functions that change nothing may be called by readers.
do $$
declare
  v_object record;
begin
  for v_object in
    select c.oid::regclass as name
      from pg_catalog.pg_class c
     where c.relkind in ('r', 'p', 'v')
       and not c.relispartition
       and (c.relnamespace = 'tideway'::regnamespace
            or c.relnamespace = 'tideway_private'::regnamespace and c.relname !~ 'secret|token|trusted')
  loop
    execute format('grant select on %s to tideway_reader, tideway_operator', v_object.name);
  end loop;

  for v_object in
    select p.oid::regprocedure as name
      from pg_catalog.pg_proc p
     where p.pronamespace in ('tideway'::regnamespace, 'tideway_private'::regnamespace)
       and p.prokind in ('f', 'a')
       and p.prorettype <> 'trigger'::regtype
       and p.provolatile <> 'v'
  loop
    execute format('grant execute on function %s to tideway_reader, tideway_monitor', v_object.name);
  end loop;
end;
$$;

-- Operators define and operate. Guards on the tables hold what a grant cannot say.
grant execute on all routines in schema tideway, tideway_private to tideway_operator;
grant insert, update, delete on tideway.connections, tideway.mappings, tideway.mapping_columns to tideway_operator;
grant insert, update, delete on tideway.saved_search_patterns, tideway.sync_list, tideway.sync_preview_cache to tideway_operator;
grant insert, update on tideway.sync_progress, tideway.sync_activity_log, tideway.sync_errors, tideway.sync_runs to tideway_operator;
-- A view: its trigger stores the row, with the organisation and the person who insert it.
grant insert on tideway.field_lineage to tideway_operator;
grant insert, update, delete on tideway_private.statements to tideway_operator;
grant insert, update on tideway_private.used_fields to tideway_operator;
grant insert on tideway_private.requests to tideway_operator;
grant usage on all sequences in schema tideway, tideway_private to tideway_operator;

-- The runner of a role belongs to that role, so its definer must be able to make it.
grant usage, create on schema tideway_run to tideway_operator, tideway_daemon;

-- Written, never read back.
grant select (connection_id, org_id, host, changed_at),
      insert (connection_id, org_id, secret, host, changed_at),
      update (secret, host, changed_at),
      delete
   on tideway_private.connection_secrets to tideway_operator;

-- Monitors see counts and states of all organisations: every column but those that may hold a value of somebody's row.
do $$
declare
  v_object record;
begin
  for v_object in
    select c.oid::regclass as name, c.relkind,
           string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
      from pg_catalog.pg_class c
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind in ('r', 'p', 'v')
       and not c.relispartition
       and c.relnamespace in ('tideway'::regnamespace, 'tideway_private'::regnamespace)
       and c.relname !~ 'secret|token|trusted|statements|used_fields|preview_cache|patterns|read_cache'
       and (c.relkind = 'v' and c.relnamespace = 'tideway'::regnamespace
            or c.relkind <> 'v'
               -- What the guard found names tables, no rows.
               and (a.atttypid not in ('jsonb'::regtype, 'json'::regtype) or a.attname = 'troubles')
               and a.attname !~ '(^|_)(key|keys|value|message|suggestion|notes|record_id|remote_id|source_id|target_id|source_ref|entity_id|filter|filters|config|account|user_id|changed_by|triggered_by|requested_by|initiated_by|resolved_by|decided_by|created_by|computed_by|login|error|after_run)$'
               and a.attname not in ('paused_reason', 'description', 'delta_json', 'match_on', 'fields'))
     group by c.oid, c.relkind
  loop
    if v_object.relkind = 'v' then
      execute format('grant select on %s to tideway_monitor', v_object.name);
    else
      execute format('grant select (%s) on %s to tideway_monitor', v_object.columns, v_object.name);
    end if;
  end loop;
end;
$$;
