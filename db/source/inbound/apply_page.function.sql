create or replace function tideway_private.apply_page(
  mapping   integer,
  run       uuid,
  epoch     bigint,
  asked     bigint,
  asked_at  timestamptz,
  records   text,
  cursor    jsonb default null,
  complete  boolean default false
)
returns jsonb
language plpgsql
volatile
set search_path = ''
-- Plans that follow the size of the page; what triggers of users and foreign keys run is planned as ever (write_rows, load_records).
set plan_cache_mode = force_custom_plan
set random_page_cost = 1.1
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set intervalstyle = 'postgres'
set extra_float_digits = 1
set bytea_output = 'hex'
set lc_monetary = 'C'
as $$
#variable_conflict use_column
declare
  v_map       tideway.mappings;
  v_run       tideway.sync_runs;
  v_sql       jsonb;
  v_trouble   jsonb;
  v_errors    jsonb := '[]';
  v_ids       text[];
  v_recs      jsonb[];
  v_fresh     boolean[];
  v_shaky     jsonb[];
  v_plain     boolean;
  v_loaded    integer[];
  v_own       text[];
  v_compare   text[];
  v_result    jsonb;
  v_total     integer;
begin
  v_map := tideway_private.begin_work(mapping, epoch);
  perform pg_advisory_xact_lock(tideway_private.lock_key('apply'), mapping);
  -- While the lock was waited for, somebody may have ended the shadow, or the mapping.
  v_map := tideway_private.begin_work(mapping, epoch);
  select r.* into v_run from tideway.sync_runs r where r.id = apply_page.run;

  v_trouble := tideway_private.table_trouble(v_map);
  if v_trouble is not null then
    return tideway_private.stop_mapping(v_map, v_trouble);
  elsif not tideway_private.apply_key_moves(mapping) then
    return '{"again": "key_moves"}';
  end if;
  v_sql := tideway_private.statements_of(mapping);

  -- Most records of most pages are as their links know them; what is dropped here costs no more.
  begin
    execute v_sql ->> 'changed' into v_ids, v_recs, v_fresh, v_shaky using mapping, records;
    v_total := coalesce(cardinality(v_ids), 0);
    v_plain := array_position(v_ids, null) is null and (select count(*) from (select from unnest(v_ids) i group by i) as d) = v_total;
  exception when others then
    v_plain := false;
  end;
  if not v_plain then
    select s.sifted, s.total, s.errors into records, v_total, v_errors from tideway_private.sift_records(records) s;
    execute v_sql ->> 'changed' into v_ids, v_recs, v_fresh, v_shaky using mapping, records;
  end if;

  -- A column that the app could not show (a formula in error) stays as it is, and somebody may want to know.
  if v_shaky is not null then
    v_errors := v_errors || (
      select coalesce(jsonb_agg(jsonb_build_object('remote_id', u.rec -> 'id', 'row', u.rec -> 'position', 'column', coalesce(c.local, p ->> 'column'),
               'class', 'API_ERROR', 'code', 'BAD_RESPONSE', 'severity', 'warning', 'message', p -> 'message')), '[]')
        from unnest(v_shaky) as u (rec)
       cross join lateral jsonb_array_elements(case when jsonb_typeof(u.rec -> 'problems') = 'array' then u.rec -> 'problems' end) p
        left join tideway.mapping_columns c on c.mapping_id = v_map.id and c.remote = p ->> 'column' and c.direction <> 'none');
  end if;

  -- What shows up again was not gone, whatever was found, held or approved before.
  if not coalesce(v_run.dry_run, false)
     and exists (select from tideway_private.deletions d
                  where d.mapping = apply_page.mapping and d.gone_side = 'remote' and d.state in ('pending', 'held', 'released')) then
    perform tideway_private.withdraw_deletions(mapping,
              array(select i from unnest(v_ids) i
                    except select r ->> 'id' from unnest(v_recs) r where r -> 'deleted' = 'true'));
  end if;

  if v_run.kind in ('sweep', 'full', 'preview') and v_total > 0 then
    insert into tideway_private.seen_pages (run_id, remote_ids) values (run, v_ids);
  end if;

  if exists (select from tideway_private.rereads r where r.mapping = apply_page.mapping) then
    select array_agg(r.remote_id) into v_compare
      from tideway_private.rereads r where r.mapping = apply_page.mapping and r.remote_id = any (v_ids) and r.compare;
  end if;
  -- A sweep of what also goes out walks all rows afterwards and finds these there, but for columns that only come in.
  if v_run.force_overwrite
     or v_run.kind = 'sweep' and (v_run.dry_run or v_map.direction = 'pull'
                                  or exists (select from tideway.mapping_columns c where c.mapping_id = v_map.id and c.direction = 'pull')) then
    v_compare := v_compare || tideway_private.drifted_records(v_map, v_sql, v_ids);
  end if;
  -- Force ends what both sides agreed to differ on, although neither of them changed.
  if v_run.force_overwrite then
    v_compare := v_compare || array(select l.remote_id from tideway_private.links l
                                     where l.mapping = apply_page.mapping and l.remote_id = any (v_ids) and l.remote_diff <> '{}');
  end if;

  -- What is compared with its row although nothing changed in the app is read from the page after all.
  if cardinality(v_compare) > 0 then
    select array_agg(x.rec order by x.n), array_agg(d.fresh is true order by x.n)
      into v_recs, v_fresh
      from (select l.n, l.line::jsonb as rec from string_to_table(records, E'\n') with ordinality as l (line, n) where l.line <> '' offset 0) as x
      left join (select r ->> 'id' as id, f as fresh from unnest(v_recs, v_fresh) as u (r, f)) as d on d.id = x.rec ->> 'id'
     where d.id is not null or x.rec ->> 'id' = any (v_compare);
  end if;

  select array_agg(c.remote) into v_own
    from tideway.mapping_columns c where c.mapping_id = v_map.id and c.is_remote_id and c.direction <> 'none';
  if v_own is not null then
    select array_agg(case when r -> 'deleted' = 'true' then r
                          else r || jsonb_build_object('fields', coalesce(r -> 'fields', '{}') || (select jsonb_object_agg(o, r ->> 'id') from unnest(v_own) o)) end order by n)
      into v_recs
      from unnest(v_recs) with ordinality as u (r, n);
  end if;

  -- Records that nobody knows are most of a first load: what is plainly new needs no merge, no look and no lock.
  v_loaded := tideway_private.load_records(v_map, v_run, v_sql, v_recs, v_fresh);
  if v_loaded is not null then
    v_recs := array(select x.rec from unnest(v_recs) with ordinality as x (rec, n)
                      left join unnest(v_loaded) as d (n) on d.n = x.n where d.n is null order by x.n);
  end if;

  v_result := tideway_private.apply_records(v_map, v_run, v_sql, asked, asked_at, v_recs, v_compare, v_errors, v_total);
  if v_loaded is not null then
    v_result := v_result || jsonb_build_object('candidates', (v_result ->> 'candidates')::integer + cardinality(v_loaded),
                                               'created', (v_result ->> 'created')::integer + cardinality(v_loaded));
  end if;

  -- In shadow the read goes on from where it was; promote begins it anew.
  if v_map.shadow or not coalesce(v_run.dry_run, false) then
    -- What was read is settled; what could not be is on the list again, put there after this moment.
    if exists (select from tideway_private.rereads r where r.mapping = apply_page.mapping) then
      delete from tideway_private.rereads r
       where r.mapping = apply_page.mapping
         and r.remote_id = any (v_ids)
         -- A webhook that came after the app was asked speaks of something newer.
         and r.named < asked
         and r.remote_id <> all (coalesce(array(select jsonb_array_elements_text(v_result -> 'deferred')), '{}'));
    end if;
    if cursor is not null or complete then
      perform tideway_private.move_cursor(v_map, v_run, cursor, complete);
    end if;
  end if;

  perform tideway_private.count_records(v_run, v_total, v_result);
  if v_map.invalidate is not null and not v_map.shadow and not coalesce(v_run.dry_run, false)
     and (select sum(e.value::integer) from jsonb_each_text(v_result) e where e.key in ('created', 'updated', 'deleted')) > 0 then
    perform tideway_private.bump_named_reads(v_map);
  end if;
  return v_result || jsonb_build_object('read', v_total, 'unchanged', v_total - coalesce((v_result ->> 'candidates')::integer, 0))
         - 'deferred' || jsonb_build_object('deferred', jsonb_array_length(v_result -> 'deferred'));
end;
$$;

comment on function tideway_private.apply_page(integer, uuid, bigint, bigint, timestamptz, text, jsonb, boolean) is
$$Applies one page of records (a JSON object a line: id, fields, position, modified, deleted, problems) to the table of a mapping.

Page, cursor, links, lineage, errors, counts and the re-read list commit together. The cursor is null but for the last
part of a page. Answers with counts; {"stopped": …} when the mapping had to be paused, {"again": …} to come back at once.$$;
