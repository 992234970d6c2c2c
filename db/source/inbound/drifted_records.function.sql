create or replace function tideway_private.drifted_records(map tideway.mappings, sql jsonb, ids text[])
returns text[]
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_keys    text[];
  v_links   text[];
  v_images  jsonb[];
  v_drift   text[];
begin
  select array_agg(l.local_key), array_agg(l.remote_id), array_agg(l.local_image)
    into v_keys, v_links, v_images
    from tideway_private.links l
   where l.mapping = map.number
     and l.remote_id = any (ids)
     and l.local_gone_at is null
     and l.local_key is not null;

  execute format($q$
    select array_agg(l.remote_id)
      from unnest($1, $2, $3) as l (key, remote_id, image)
      left join tideway_run.%I($4, null, $1, null) r on r.key = l.key
     where r.a is distinct from l.image
       and (r.a is null
            or exists (select from jsonb_each(r.a) e where e.key not like '@%%' and e.value is distinct from l.image -> e.key))$q$, map.run_as)
     into v_drift using v_keys, v_links, v_images, sql ->> 'read_rows';
  return v_drift;
end;
$$;

comment on function tideway_private.drifted_records(tideway.mappings, jsonb, text[]) is
  'Of records that have links: those whose row is not as the link knows it. A sweep compares both sides.';
