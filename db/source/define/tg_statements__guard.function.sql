create or replace function tideway_private.tg_statements__guard()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- What stands here runs as the mapping's role; somebody else must not be able to put it there.
  if not pg_catalog.pg_has_role(current_user, 'tideway_daemon', 'usage')
     and not pg_catalog.pg_has_role(current_user, 'tideway_owner', 'usage')
     and (coalesce(current_setting('tideway.defining', true), '') <> 'on'
          or not tideway_private.may_become(current_user,
                   (select m.run_as from tideway.mappings m where m.number = coalesce(new.mapping, old.mapping))))
  then
    perform tideway_private.raise_missing_rights('The SQL of a mapping is written by tideway.map.', 'Let the role that defined the mapping call map.');
  end if;
  return case tg_op when 'DELETE' then old else new end;
end;
$$;

comment on function tideway_private.tg_statements__guard() is
  'Keeps everybody but the mapping''s own role from writing the SQL that runs as that role.';
