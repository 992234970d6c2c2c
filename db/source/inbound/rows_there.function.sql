create or replace function tideway_private.rows_there(map tideway.mappings, sql jsonb, keys text[], verdicts text[])
returns text[]
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_there  text[];
begin
  execute format($q$
    select array_agg(distinct r.key)
      from tideway_run.%I($1, null, (select array_agg(x.key) from unnest($2, $3) as x (key, verdict)
                                      where x.verdict in ('new', 'linked', 'adopt', 'relink')), null) r$q$, map.run_as)
     into v_there using sql ->> 'find_rows', keys, verdicts;
  return v_there;
end;
$$;

comment on function tideway_private.rows_there(tideway.mappings, jsonb, text[], text[]) is
  'Which of the keys of a page have a row.';
