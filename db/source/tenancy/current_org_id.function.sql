create or replace function tideway.current_org_id()
returns text
language sql
stable
security definer
set search_path = ''
as $$
  select c.org_id from tideway_private.caller() c
$$;

comment on function tideway.current_org_id() is
'The organisation of whoever is asking; null when there is none, which hides every row.

Claims (request.jwt.claims) and the setting tideway.org_id are believed for trusted logins only; others are looked up in tideway.members.

  select tideway.current_org_id();';
