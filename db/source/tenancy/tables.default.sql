do $$
declare
  v_column record;
begin
  for v_column in
    select c.oid::regclass as target, a.attname,
           case a.attname when 'org_id' then 'tideway.current_org_id()' else 'tideway.current_user_id()' end as expression
      from pg_catalog.pg_class c
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and not a.attisdropped and not a.atthasdef
     where c.relkind in ('r', 'p')
       and (c.relnamespace = 'tideway'::regnamespace or c.oid = 'tideway_private.requests'::regclass)
       and (a.attname = 'org_id' and c.oid not in ('tideway.organisations'::regclass, 'tideway.members'::regclass)
            or a.attname = 'user_id' and c.oid in ('tideway.saved_search_patterns'::regclass, 'tideway.sync_list'::regclass))
  loop
    execute format('alter table %s alter column %I set default %s', v_column.target, v_column.attname, v_column.expression);
  end loop;
end;
$$;
