create or replace function tideway_private.tg_mapping_columns__guard()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_map tideway.mappings;
begin
  if not pg_catalog.pg_has_role(current_user, 'tideway_daemon', 'usage')
     and not pg_catalog.pg_has_role(current_user, 'tideway_owner', 'usage')
  then
    if coalesce(current_setting('tideway.defining', true), '') <> 'on' then
      perform tideway_private.raise_defined_by_functions('mapping_columns');
    end if;
    select * into v_map from tideway.mappings m where m.id = coalesce(new.mapping_id, old.mapping_id);
    if not tideway_private.may_become(current_user, v_map.run_as) then
      perform tideway_private.raise_missing_rights(
        format('You may not change the mapping "%s", which runs as %s.', v_map.name, v_map.run_as),
        'Let the role that defined it call map.');
    elsif tg_op <> 'DELETE'
      and tideway_private.has_user_sql(concat_ws('|', new.in_transform, new.out_transform))
      and not tideway_private.owns_table(current_user, v_map.local_table)
    then
      perform tideway_private.raise_missing_rights(
        format('Only the owner of %s may give the column "%s" a transform of their own.', v_map.local_name, new.local),
        'Use built-in transforms, or let the owner of the table call map: select * from tideway.builtin_transforms();');
    end if;
  end if;
  return case tg_op when 'DELETE' then old else new end;
end;
$$;

comment on function tideway_private.tg_mapping_columns__guard() is
  'Lets columns be changed by functions only, within the rights of the mapping''s role, and transforms by the table''s owner.';
