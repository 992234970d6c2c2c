create or replace function tideway.activate(name text)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_map    tideway.mappings := tideway_private.named_mapping(activate.name);
  v_todo   text[];
  v_errors text[];
  v_row    record;
begin
  v_todo := tideway_private.publish(v_map);
  select array_agg(concat_ws(' ', p."column" || ':', p.problem, p.mend)) into v_errors
    from tideway_private.mapping_problems(v_map) p
   where p.severity = 'error'
     and (v_todo = '{}' or p.mend <> all (v_todo));
  if v_errors is not null then
    perform tideway_private.raise_invalid_mapping(v_map.name, v_errors);
  end if;
  if v_todo <> '{}' then
    perform tideway_private.raise_unpublished(v_map.name, v_todo);
  end if;

  for v_row in select p.* from tideway_private.mapping_problems(v_map) p loop
    raise notice '%', concat_ws(' ', v_row."column" || ':', v_row.problem) using hint = v_row.mend;
  end loop;
  perform tideway_private.defining(true);
  update tideway.mappings m
     set state = case m.state when 'draft' then 'pending' else m.state end, activated_at = now()
   where m.id = v_map.id and m.activated_at is null;
  perform tideway_private.defining(false);
  perform pg_notify('tideway_requests', (select c.number::text from tideway.connections c where c.id = v_map.connection_id));
  return case when v_map.activated_at is null then 1 else 0 end;
end;
$$;

comment on function tideway.activate(text) is
'Lets a mapping work: validates it and puts its table into the publication. It is pending until the daemon has read the app''s tables.

Refused, with everything to mend, while something is wrong. The owner of the table should call it; others get the statements for the owner. Doing it again changes nothing, but puts a table back that fell out of the publication; a paused mapping stays paused.

  select tideway.activate(''products'');';
