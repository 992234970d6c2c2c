create or replace function tideway_private.compare_links(mapping integer, epoch bigint, after_key text default null, max_rows integer default 10000)
returns table (keys text[], last_key text, checked integer)
language plpgsql
volatile
set search_path = ''
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set intervalstyle = 'postgres'
set extra_float_digits = 1
set bytea_output = 'hex'
set lc_monetary = 'C'
as $$
#variable_conflict use_column
declare
  v_map   tideway.mappings := tideway_private.begin_work(mapping, epoch);
  v_keys  text[];
begin
  select array_agg(l.local_key), max(l.local_key), count(*)::integer into v_keys, last_key, checked
    from (select l.local_key from tideway_private.row_links l
           where l.mapping = compare_links.mapping
             and (compare_links.after_key is null or l.local_key > compare_links.after_key)
           order by l.local_key
           limit max_rows) as l;
  execute format($q$
    select array_agg(k.key)
      from unnest($2) as k (key)
      left join tideway_run.%I($1, null, $2, null) r on r.key = k.key
     where r.key is null$q$, v_map.run_as)
     into keys using tideway_private.statements_of(mapping) ->> 'find_rows', v_keys;
  return next;
end;
$$;

comment on function tideway_private.compare_links(integer, bigint, text, integer) is
  'The other half of a comparison: links whose row is gone, as keys to mark. The deletion guard decides what follows.';
