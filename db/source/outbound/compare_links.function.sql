create or replace function tideway_private.compare_links(mapping integer, epoch bigint, after_link bigint default 0, max_rows integer default 10000)
returns table (keys text[], last_link bigint, checked integer)
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
  select array_agg(l.local_key), max(l.id), count(*)::integer into v_keys, last_link, checked
    from (select l.id, l.local_key from tideway_private.links l
           where l.mapping = compare_links.mapping and l.id > after_link and l.local_key is not null and l.local_gone_at is null
           order by l.id limit max_rows) as l;
  execute format($q$
    select array_agg(k) from unnest($2) k
     where not exists (select from tideway_run.%I($1, null, $2, null) r where r.key = k)$q$, v_map.run_as)
     into keys using tideway_private.statements_of(mapping) ->> 'read_rows', v_keys;
  return next;
end;
$$;

comment on function tideway_private.compare_links(integer, bigint, bigint, integer) is
  'The other half of a comparison: links whose row is gone, as keys to mark. The deletion guard decides what follows.';
