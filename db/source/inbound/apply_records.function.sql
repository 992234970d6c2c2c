create or replace function tideway_private.apply_records(
  map       tideway.mappings,
  run       tideway.sync_runs,
  sql       jsonb,
  asked     bigint,
  asked_at  timestamptz,
  recs      jsonb[],
  compare   text[],
  errors    jsonb,
  of_records bigint
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_count     integer := coalesce(cardinality(recs), 0);
  v_started   timestamptz := clock_timestamp();
  v_ids       text[];
  v_fields    jsonb[];
  v_locked    bigint[];
  v_links     bigint[];
  v_keys      text[];
  v_verdicts  text[];
  v_settled   boolean[];
  v_vals      jsonb[];
  v_faults    jsonb[];
  v_diffs     jsonb[];
  v_required  text[];
begin
  if v_count = 0 then
    if errors <> '[]' then
      perform tideway_private.record_errors(map.number, run.id, 'pull', errors);
    end if;
    return jsonb_build_object('candidates', 0, 'created', 0, 'updated', 0, 'deleted', 0, 'failed',
                              (select count(*) from jsonb_array_elements(errors) e where coalesce(e ->> 'severity', 'error') = 'error'),
                              'held', 0, 'conflicts', 0, 'deferred', '[]'::jsonb);
  end if;
  select array_agg(r ->> 'id' order by n), array_agg(coalesce(r -> 'fields', '{}') order by n)
    into v_ids, v_fields
    from unnest(recs) with ordinality as x (r, n);

  -- Links and rows first, never waiting; what they hold is read in later statements, which see what was committed meanwhile.
  select array_agg(x.id) into v_locked
    from (select l.id from tideway_private.links l
           where l.mapping = map.number and l.remote_id = any (v_ids)
           order by l.id
             for no key update skip locked) as x;
  select array_agg(c.link_id order by c.n), array_agg(c.local_key order by c.n), array_agg(c.verdict order by c.n), array_agg(c.settled order by c.n)
    into v_links, v_keys, v_verdicts, v_settled
    from tideway_private.classify_records(map, asked, asked_at, v_ids,
           (select array_agg(coalesce(r -> 'deleted' = 'true', false) order by n) from unnest(recs) with ordinality as x (r, n)), v_locked) c;

  -- Parents first: a record whose parent is not here yet comes again.
  if exists (select from tideway.mapping_columns c where c.mapping_id = map.id and c.references_mapping is not null) then
    select array_agg(l.fields order by l.n),
           array_agg(case when l.missing is not null and v.verdict in ('linked', 'unknown') then 'dependency' else v.verdict end order by l.n),
           errors || coalesce(jsonb_agg(jsonb_build_object('remote_id', v.id, 'row', v.r -> 'position', 'column', l.missing, 'class', 'VALIDATION_ERROR',
             'code', 'DEPENDENCY_PENDING', 'severity', 'warning', 'retryable', true,
             'message', format('The record that column "%s" refers to is not here yet', l.missing)))
             filter (where l.missing is not null and v.verdict in ('linked', 'unknown')), '[]')
      into v_fields, v_verdicts, errors
      from tideway_private.resolve_lookups(map, v_fields) l
      join unnest(v_verdicts, v_ids, recs) with ordinality as v (verdict, id, r, n) on v.n = l.n;
  end if;

  select array_agg(coalesce(x.key, r.key) order by x.n), array_agg(r.a order by x.n), array_agg(r.b order by x.n), array_agg(r.c order by x.n)
    into v_keys, v_vals, v_faults, v_diffs
    from unnest(v_keys) with ordinality as x (key, n)
    left join tideway_private.convert_records(map, sql ->> 'convert',
                (select array_agg(v.n::integer order by v.n) from unnest(v_verdicts) with ordinality as v (verdict, n) where v.verdict in ('linked', 'unknown')),
                (select array_agg(v.f order by v.n) from unnest(v_fields, v_verdicts) with ordinality as v (f, verdict, n) where v.verdict in ('linked', 'unknown'))) r on r.ord = x.n;

  -- Matching of a first sync: an existing row by one or two columns, where the key itself says nothing.
  if map.match_on is not null and sql ? 'match_rows' then
    execute format($q$
      select array_agg(coalesce(x.key, m.key) order by x.n), array_agg(case when m.many then 'ambiguous' else x.verdict end order by x.n)
        from unnest($1, $2) with ordinality as x (key, verdict, n)
        left join (select r.ord, min(r.key) as key, count(*) > 1 as many
                     from tideway_run.%I($3, (select array_agg(n::integer) from unnest($1, $2) with ordinality as v (key, verdict, n) where v.verdict = 'unknown' and v.key is null), null,
                            (select array_agg(f order by n) from unnest($4, $1, $2) with ordinality as v (f, key, verdict, n) where v.verdict = 'unknown' and v.key is null)) r
                    group by r.ord) m on m.ord = x.n$q$, map.run_as)
       into v_keys, v_verdicts using v_keys, v_verdicts, sql ->> 'match_rows', v_vals;
  end if;

  if 'unknown' = any (v_verdicts) then
    select array_agg(case when v.verdict = 'unknown' then coalesce(p.link_id, v.link) else v.link end order by v.n),
           array_agg(case when v.verdict = 'unknown' then p.verdict else v.verdict end order by v.n)
      into v_links, v_verdicts
      from unnest(v_links, v_verdicts) with ordinality as v (link, verdict, n)
      left join (select u.n, p.link_id, p.verdict
                   from (select array_agg(x.n order by x.n) as ns, array_agg(x.id order by x.n) as ids, array_agg(x.key order by x.n) as keys
                           from unnest(v_ids, v_keys, v_verdicts) with ordinality as x (id, key, verdict, n) where x.verdict = 'unknown') as q
                  cross join lateral tideway_private.place_records(map, q.ids, q.keys) p
                  join unnest(q.ns) with ordinality as u (n, place) on u.place = p.n) p on p.n = v.n;
  end if;

  if map.only_listed and 'new' = any (v_verdicts) then
    select array_agg(case when x.verdict = 'new' and not x.id = any (l.ids) then 'nothing' else x.verdict end order by x.n) into v_verdicts
      from unnest(v_ids, v_verdicts) with ordinality as x (id, verdict, n)
     cross join (select tideway_private.listed_ids(map, v_ids) as ids) as l;
  end if;

  -- Of two new records with one key the first is placed, the other is a duplicate.
  if 'new' = any (v_verdicts) then
    select array_agg(case when x.verdict = 'new' and x.key is not null and x.first > 1 then 'duplicate' else x.verdict end order by x.n)
      into v_verdicts
      from (select v.*, row_number() over (partition by v.key, v.verdict order by v.n) as first
              from unnest(v_keys, v_verdicts) with ordinality as v (key, verdict, n)) as x;
  end if;

  -- A record that lacks a required value, or whose key is bad, is not written; another bad value only leaves its column out.
  if exists (select from unnest(v_faults) f where f is not null) then
    select array_agg(c.name) into v_required
      from tideway_private.table_columns(map.local_table) c where c.not_null and c.default_expression is null;
    select array_agg(case when v.verdict in ('new', 'unknown', 'open_create') and v.faults is not null
                               and (v.key is null and sql ->> 'new_keys' is null
                                    or exists (select from jsonb_array_elements(v.faults) e
                                                where e ->> 'code' = 'CONSTRAINT_NOT_NULL' or e ->> 'column' = any (v_required || map.key_columns)))
                          then 'failed' else v.verdict end order by v.n)
      into v_verdicts
      from unnest(v_keys, v_verdicts, v_faults) with ordinality as v (key, verdict, faults, n);
    select errors || coalesce(jsonb_agg(jsonb_build_object('remote_id', v.id, 'local_key', v.key, 'row', v.r -> 'position', 'column', e ->> 'column',
             'class', coalesce(e ->> 'class', 'VALIDATION_ERROR'), 'code', e ->> 'code', 'message', e ->> 'message',
             'severity', case when v.verdict = 'failed' or e ->> 'code' = 'CONSTRAINT_NOT_NULL' then 'error' else 'warning' end) order by v.n), '[]')
      into errors
      from unnest(v_ids, v_keys, v_verdicts, v_faults, recs) with ordinality as v (id, key, verdict, faults, r, n)
     cross join lateral jsonb_array_elements(v.faults) e;
  end if;

  -- A key that is missing, and that the table cannot make.
  if map.direction <> 'push' and sql ->> 'new_keys' is null
     and exists (select from unnest(v_keys, v_verdicts) as v (key, verdict) where v.verdict = 'new' and v.key is null) then
    select errors || jsonb_agg(jsonb_build_object('remote_id', v.id, 'row', v.r -> 'position', 'column', k.name, 'class', 'VALIDATION_ERROR',
                       'code', 'CONSTRAINT_NOT_NULL', 'severity', 'error', 'message', format('Missing required field ''%s''', k.name)) order by v.n)
      into errors
      from unnest(v_ids, v_keys, v_verdicts, v_vals, recs) with ordinality as v (id, key, verdict, vals, r, n)
     cross join lateral (select c.name from unnest(map.key_columns) with ordinality as c (name, n)
                           left join tideway.mapping_columns m on m.mapping_id = map.id and m.local = c.name
                          order by v.vals ->> m.field is not null, c.n limit 1) k
     where v.verdict = 'new' and v.key is null;
    select array_agg(case when v.verdict = 'new' and v.key is null then 'failed' else v.verdict end order by v.n) into v_verdicts
      from unnest(v_keys, v_verdicts) with ordinality as v (key, verdict, n);
  end if;

  return tideway_private.write_records(map, run, sql, v_started, recs, v_ids, v_keys, v_links, v_verdicts, v_settled, v_vals, v_diffs, compare, errors, of_records);
end;
$$;

comment on function tideway_private.apply_records(tideway.mappings, tideway.sync_runs, jsonb, bigint, timestamptz, jsonb[], text[], jsonb, bigint) is
  'Locks, classifies, converts and places the records of a page that may have changed, then has them written.';
