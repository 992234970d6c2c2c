create or replace function tideway_private.tg_mappings__guard()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  if not pg_catalog.pg_has_role(current_user, 'tideway_daemon', 'usage')
     and not pg_catalog.pg_has_role(current_user, 'tideway_owner', 'usage')
     and coalesce(current_setting('tideway.defining', true), '') <> 'on'
  then
    perform tideway_private.raise_defined_by_functions('mappings');
  end if;
  if tg_op = 'DELETE' then
    -- In place of a foreign key, which would look at this row for every link that a page makes.
    if exists (select from tideway_private.links l where l.mapping = old.number) then
      raise exception 'The mapping "%" cannot be deleted: it has links.', old.name
        using errcode = 'TWIDN', hint = format('Let them go with it: select tideway.unmap(%L, forget => true);', old.name);
    end if;
    return old;
  end if;

  perform tideway_private.raise_invalid_name('mapping', new.name);
  if tg_op = 'UPDATE' then
    if (new.id, new.org_id) is distinct from (old.id, old.org_id) then
      perform tideway_private.raise_defined_by_functions('mappings');
    end if;
    if (new.connection_id, new.remote_table, new.local_table, new.key_columns)
       is distinct from (old.connection_id, old.remote_table, old.local_table, old.key_columns)
       and exists (select from tideway_private.links l where l.mapping = new.number)
    then
      perform tideway_private.raise_fixed_identity('mapping', new.name,
        case
          when new.connection_id <> old.connection_id then 'connection'
          when new.remote_table <> old.remote_table then 'remote table'
          when new.local_table <> old.local_table then 'local table'
          else 'key'
        end, array[new.name]);
    end if;
  end if;

  -- Whoever defines is limited by the role that the mapping runs as, and that role never by nothing.
  if tg_op = 'INSERT'
     or (new.run_as, new.local_filter, new.after_run, new.local_table, new.direction, new.key_columns, new.claims)
        is distinct from (old.run_as, old.local_filter, old.after_run, old.local_table, old.direction, old.key_columns, old.claims)
  then
    if exists (select from pg_catalog.pg_roles r where r.rolname = new.run_as and r.rolsuper) then
      perform tideway_private.raise_missing_rights(
        format('The mapping "%s" may not run as %s, which is a superuser.', new.name, new.run_as),
        'Name the owner of the table, or tideway_daemon, in the option run_as.');
    elsif not tideway_private.may_become(current_user, new.run_as) then
      perform tideway_private.raise_missing_rights(
        format('You may not let the mapping "%s" run as %s.', new.name, new.run_as),
        format('Leave the option run_as out, or let somebody run: grant %I to %I;', new.run_as, current_user));
    end if;
    if (new.local_filter is not null or new.after_run is not null)
       and (tg_op = 'INSERT' or (new.local_filter, new.after_run, new.run_as, new.local_table)
                                is distinct from (old.local_filter, old.after_run, old.run_as, old.local_table))
       and not tideway_private.owns_table(current_user, new.local_table)
    then
      perform tideway_private.raise_missing_rights(
        format('Only the owner of %s may give its mapping SQL of their own (filter, after_run).', new.local_name),
        'Use a saved pattern or built-in transforms, or let the owner of the table call map.');
    end if;
  end if;

  if tg_op = 'UPDATE' and new is distinct from old then
    new.updated_at := now();
  end if;
  return new;
end;
$$;

comment on function tideway_private.tg_mappings__guard() is
  'Checks a mapping however it is written: by functions only, fixed identity, run_as within the caller''s rights, SQL of the table''s owner only.';
