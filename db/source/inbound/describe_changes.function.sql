create or replace function tideway_private.describe_changes(
  map tideway.mappings, run tideway.sync_runs, ids text[], keys text[], verdicts text[], rows jsonb[], writes jsonb[], conflicts jsonb[], errors jsonb
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  with change as (
    select x.n, x.id, x.key,
           case when x.verdict = 'hold' then 'conflict' when x.verdict = 'gone' then 'delete'
                when x.row_image is null and x.verdict in ('new', 'restore') then 'create' else 'update' end as op,
           (select pg_catalog.jsonb_object_agg(c.local, pg_catalog.jsonb_build_object('from', x.row_image -> e.key, 'to', e.value))
              from pg_catalog.jsonb_each(x.writes) e
              join tideway.mapping_columns c on c.mapping_id = map.id and c.field = e.key) as fields,
           x.conflicts
      from unnest(ids, keys, verdicts, rows, writes, conflicts) with ordinality as x (id, key, verdict, row_image, writes, conflicts, n)
     where x.verdict in ('hold', 'gone', 'restore')
        or (x.verdict in ('new', 'linked', 'adopt', 'relink') and (x.writes is not null or x.row_image is null))
  )
  select pg_catalog.jsonb_build_object(
    'candidates', pg_catalog.cardinality(ids),
    'created', pg_catalog.count(*) filter (where c.op = 'create'),
    'updated', pg_catalog.count(*) filter (where c.op = 'update'),
    'deleted', pg_catalog.count(*) filter (where c.op = 'delete'),
    'conflicts', pg_catalog.count(*) filter (where c.op = 'conflict'),
    'failed', (select pg_catalog.count(distinct coalesce(e ->> 'remote_id', e ->> 'row')) from pg_catalog.jsonb_array_elements(errors) e
                where coalesce(e ->> 'severity', 'error') = 'error'),
    'held', 0,
    'deferred', '[]'::jsonb,
    'changes', coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('op', c.op, 'key', c.key, 'remote_id', c.id, 'fields', c.fields, 'conflicts', c.conflicts) order by c.n), '[]')
               || coalesce((select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('op', 'error') || e) from pg_catalog.jsonb_array_elements(errors) e), '[]'))
    from change c
$$;

comment on function tideway_private.describe_changes(tideway.mappings, tideway.sync_runs, text[], text[], text[], jsonb[], jsonb[], jsonb[], jsonb) is
  'What a page would change, for a dry run, a preview or a mapping in shadow: nothing is written.';
