create or replace function tideway_private.bump_named_reads(map tideway.mappings)
returns void
language sql
volatile
set search_path = ''
as $$
  insert into tideway_private.read_versions as v (mapping, org_id)
  select m.number, m.org_id
    from tideway.mappings m
   where m.org_id = map.org_id
     and map.invalidate ? (m.read ->> 'name')
   order by m.number
  on conflict on constraint read_versions_pkey do update set version = v.version + 1
$$;

comment on function tideway_private.bump_named_reads(tideway.mappings) is
'Makes daemons read again what the option invalidate of a mapping names, with the commit of the rows that changed.

The cache of the mapped table itself needs no naming: the log ends it.';
