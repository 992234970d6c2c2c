create or replace function tideway.activate(name text)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_map  tideway.mappings := tideway_private.named_mapping(activate.name);
  v_row  record;
begin
  perform tideway_private.publish_valid(v_map);

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
