create or replace function tideway_private.raise_foreign_organisation(org_id text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  -- The code of a row that its policy refuses, so that clients need to know one only.
  raise exception '%', case
      when raise_foreign_organisation.org_id is null then 'You belong to no organisation, so nothing can be written.'
      else format('You may not write rows of the organisation "%s".', raise_foreign_organisation.org_id)
    end
    using errcode = '42501',
          detail = coalesce(format('Your organisation is "%s".', tideway.current_org_id()), 'You have no organisation.'),
          hint = 'See who you are with: select * from tideway.whoami();';
end;
$$;

comment on function tideway_private.raise_foreign_organisation(text) is
  'Refuses a row of another organisation, or of none.';
