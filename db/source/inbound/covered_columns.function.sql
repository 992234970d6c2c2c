create or replace function tideway_private.covered_columns(map tideway.mappings, keys text[])
returns table (n integer, covered jsonb)
language sql
stable
set search_path = ''
as $$
  -- Priority is decided by the definitions: a column that another live link of the row covers with a higher one is not ours.
  select x.n::integer, pg_catalog.jsonb_agg(distinct mine.local)
    from unnest(keys) with ordinality as x (key, n)
    join tideway.mappings other
      on other.local_table = map.local_table and other.id <> map.id and other.key_columns = map.key_columns
     and other.state = 'active' and other.direction in ('pull', 'both')
    join tideway.mapping_columns mine on mine.mapping_id = map.id and mine.direction in ('pull', 'both')
    join tideway.mapping_columns theirs
      on theirs.mapping_id = other.id and theirs.local = mine.local and theirs.direction in ('pull', 'both')
     and coalesce(nullif(theirs.priority, 0), other.priority) > coalesce(nullif(mine.priority, 0), map.priority)
     and theirs.authority is distinct from 'reference'
    join tideway_private.links l
      on l.mapping = other.number and l.local_key = x.key
     and l.remote_id is not null and l.remote_gone_at is null and l.local_gone_at is null and not l.dormant
     and l.local_image ? theirs.field
   where not mine.local = any (map.key_columns)
   group by x.n
$$;

comment on function tideway_private.covered_columns(tideway.mappings, text[]) is
  'The columns of rows that a mapping of higher priority keeps.';
