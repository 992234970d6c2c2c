create or replace function tideway_private.publish(map tideway.mappings)
returns text[]
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_name        name := tideway_private.publication_name();
  v_publication record;
  v_owner       boolean := tideway_private.owns_table(current_user, map.local_table);
  v_todo        text[] := '{}';
  v_statement   text;
begin
  if map.run_as = 'tideway_daemon' then
    for v_statement in select r.mend from tideway_private.missing_rights(map) r loop
      if v_owner then
        execute v_statement;
      else
        v_todo := v_todo || v_statement;
      end if;
    end loop;
  end if;
  if map.direction = 'pull' and map.read is null then
    return v_todo;
  end if;

  select p.*, pg_catalog.pg_has_role(current_user, p.pubowner, 'usage') as mine into v_publication
    from pg_catalog.pg_publication p where p.pubname = v_name;
  if not found then
    v_statement := format('create publication %I with (publish_via_partition_root = true);', v_name);
    if v_todo = '{}' and v_owner and pg_catalog.has_database_privilege(current_user, current_database(), 'create') then
      execute v_statement;
      v_publication.mine := true;
    else
      v_todo := v_todo || v_statement;
    end if;
  elsif not (v_publication.pubinsert and v_publication.pubupdate and v_publication.pubdelete and v_publication.pubtruncate and v_publication.pubviaroot) then
    v_statement := format('alter publication %I set (publish = ''insert, update, delete, truncate'', publish_via_partition_root = true);', v_name);
    if v_publication.mine then
      execute v_statement;
    else
      v_todo := v_todo || v_statement;
    end if;
  end if;

  if not tideway_private.is_published(map.local_table) then
    v_statement := format('alter publication %I add table %s;', v_name, map.local_table);
    if v_todo = '{}' and v_owner and v_publication.mine then
      execute v_statement;
    else
      v_todo := v_todo || v_statement;
    end if;
  end if;
  return v_todo;
end;
$$;

comment on function tideway_private.publish(tideway.mappings) is
  'Grants the daemon what it needs of a table and puts the table into the publication, where the caller may; returns the statements that are left for others.';
