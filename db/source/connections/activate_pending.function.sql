create or replace function tideway_private.activate_pending(connection integer, epoch bigint)
returns table (mapping integer, state text)
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_map     tideway.mappings;
  v_errors  text[];
begin
  for v_map in
    select m.* from tideway.mappings m
      join tideway.connections c on c.id = m.connection_id
      join tideway_private.leases l on l.connection = c.number and l.epoch = activate_pending.epoch
     where c.number = activate_pending.connection
       and m.state = 'pending'
       -- Its app's tables must have been read first.
       and exists (select from tideway.remote_tables t where t.connection_id = c.id)
     order by m.number
       for no key update of m skip locked
  loop
    select array_agg(concat_ws(' ', p."column" || ':', p.problem, p.mend)) into v_errors
      from tideway_private.mapping_problems(v_map) p where p.severity = 'error';
    if v_errors is null then
      update tideway.mappings m set state = 'active' where m.id = v_map.id;
      mapping := v_map.number;
      state := 'active';
      -- Rows that are there already are changes that the app has not seen. Where it may know some of them, it is read first.
      if v_map.direction = 'push' and v_map.match_on is null
         and not exists (select from tideway_private.links l where l.mapping = v_map.number)
      then
        delete from tideway_private.requests r where r.kind = 'compare' and r.mapping = v_map.number;
        insert into tideway_private.requests (org_id, kind, mapping, connection, args)
        values (v_map.org_id, 'compare', v_map.number, activate_pending.connection,
                jsonb_build_object('doubt', 'the mapping is new', 'after_xid', pg_current_xact_id()::text, 'links', true));
      end if;
    else
      perform tideway_private.stop_mapping(v_map, jsonb_build_object('code', 'MAPPING_INVALID',
        'message', format('Mapping "%s" does not validate: %s', v_map.name, array_to_string(v_errors, ' '))));
      mapping := v_map.number;
      state := 'paused';
    end if;
    return next;
  end loop;
end;
$$;

comment on function tideway_private.activate_pending(integer, bigint) is
'Makes pending mappings active once the app''s tables have been read and nothing is wrong; else pauses them with what is to mend.

The rows of a new push mapping are compared, which is how they reach the app for the first time.';
