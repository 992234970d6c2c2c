create or replace function tideway_private.load_records(
  map     tideway.mappings,
  run     tideway.sync_runs,
  sql     jsonb,
  recs    jsonb[],
  fresh   boolean[]
)
returns integer[]
language plpgsql
volatile
set search_path = ''
set plan_cache_mode = auto
as $$
#variable_conflict use_column
declare
  v_lock_wait text := current_setting('lock_timeout');
  v_ords      integer[];
  v_fields    jsonb[];
  v_versions  text[];
  v_keys      text[];
  v_ids       text[];
  v_loaded    integer[];
  v_written   integer;
begin
  if not coalesce(true = any (fresh), false) or not sql ? 'load_rows' or map.claims is not null or map.shadow or coalesce(run.dry_run, false) or map.match_on is not null or map.only_listed
     or exists (select from tideway.mapping_columns c where c.mapping_id = map.id and c.references_mapping is not null) then
    return null;
  end if;
  select array_agg(x.n order by x.n), array_agg(x.rec ->> 'id' order by x.n), array_agg(coalesce(x.rec -> 'fields', '{}') order by x.n),
         array_agg(x.rec ->> 'version' order by x.n)
    into v_ords, v_ids, v_fields, v_versions
    from unnest(recs, fresh) with ordinality as x (rec, fresh, n)
   where x.fresh and x.rec -> 'deleted' is distinct from 'true';
  if v_ords is null then
    return null;
  end if;

  begin
    perform set_config('lock_timeout', '250ms', true);
    execute format($q$
      with loaded as materialized (
        select r.ord, r.key, r.a as vals, r.c as diff, x.id, x.version
          from tideway_run.%I($1, $2, null, $3) r
          left join unnest($2, $4, $14) as x (ord, id, version) on x.ord = r.ord
      ), linked as (
        insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane, local_image, remote_diff, version, touched_at, created_run, synced_at)
        select $5, $6, l.key, l.id, (hashtextextended(l.key, 0) & 15)::smallint, l.vals, l.diff, l.version, $7, $8, clock_timestamp()
          from loaded l
         where l.ord is not null
      ), traced as (
        insert into tideway_private.field_lineage (org_id, mapping, entity_type, entity_id, field_name, source_type, source_id, source_ref, new_value, sync_run_id)
        select $6, $5, $9, l.key, '*', $10, $11, $12, l.vals, $8
          from loaded l
         where l.ord is not null and $13
      )
      select array_agg(l.ord) filter (where l.ord is not null), array_agg(l.key) filter (where l.ord is not null),
             array_agg(l.id) filter (where l.ord is not null), max(l.vals::integer) filter (where l.ord is null)
        from loaded l$q$, map.run_as)
       into v_loaded, v_keys, v_ids, v_written
      using sql ->> 'load_rows', v_ords, v_fields, v_ids, map.number, map.org_id, nextval('tideway_private.moments'), run.id,
            (select c.relname::text from pg_catalog.pg_class c where c.oid = map.local_table),
            (select c.system from tideway.connections c where c.id = map.connection_id), map.connection_id, tideway_private.place_name(map), map.lineage, v_versions;
    -- A trigger gave rows another key, or two records have one: which is which is not known here.
    if v_written <> coalesce(cardinality(v_loaded), 0) then
      raise exception 'Rows and records do not fit.';
    end if;
    -- A deferred constraint would otherwise fail at commit and take the page with it.
    set constraints all immediate;
    perform set_config('lock_timeout', v_lock_wait, true);
  exception when others then
    -- One record is enough to end here: the ordinary way finds it, and says what is wrong with it.
    return null;
  end;

  if v_loaded is not null then
    perform tideway_private.close_errors(map.number, 'pull', v_keys, v_ids);
  end if;
  return v_loaded;
end;
$$;

comment on function tideway_private.load_records(tideway.mappings, tideway.sync_runs, jsonb, jsonb[], boolean[]) is
  'Inserts the records of a page that nobody knows yet, in one statement with links and lineage; returns which. All others, and all of them when one fails, go the ordinary way.';
