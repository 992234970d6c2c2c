create or replace function tideway_private.publish_valid(map tideway.mappings)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_todo   text[] := tideway_private.publish(map);
  v_errors text[];
begin
  select array_agg(concat_ws(' ', p."column" || ':', p.problem, p.mend)) into v_errors
    from tideway_private.mapping_problems(map) p
   where p.severity = 'error'
     and (v_todo = '{}' or p.mend <> all (v_todo));
  if v_errors is not null then
    perform tideway_private.raise_invalid_mapping(map.name, v_errors);
  end if;
  if v_todo <> '{}' then
    perform tideway_private.raise_unpublished(map.name, v_todo);
  end if;
end;
$$;

comment on function tideway_private.publish_valid(tideway.mappings) is
  'Puts a mapping''s table into the publication, or refuses with all that is to be mended first.';
