create or replace function tideway_private.tg__check_org()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- The policy would refuse the row as well, but without saying what to do.
  if new.org_id is null
     or (not pg_catalog.pg_has_role(current_user, 'tideway_daemon', 'usage')
         and not pg_catalog.pg_has_role(current_user, 'tideway_owner', 'usage')
         and new.org_id is distinct from tideway.current_org_id())
  then
    perform tideway_private.raise_foreign_organisation(new.org_id);
  end if;
  perform tideway_private.ensure_organisation(new.org_id);
  return new;
end;
$$;

comment on function tideway_private.tg__check_org() is
  'Refuses a row of another organisation with a hint, and makes the organisation''s row when a trusted login names a new one.';
