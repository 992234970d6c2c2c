create or replace function tideway_private.ensure_organisation(org_id text)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if exists (select from tideway.organisations o where o.org_id = ensure_organisation.org_id) then
    return;
  end if;
  if not (select c.trusted from tideway_private.caller() c) then
    perform tideway_private.raise_foreign_organisation(ensure_organisation.org_id);
  end if;
  insert into tideway.organisations (org_id) values (ensure_organisation.org_id) on conflict do nothing;
end;
$$;

comment on function tideway_private.ensure_organisation(text) is
  'Makes the row of an organisation that a trusted login names for the first time.';
