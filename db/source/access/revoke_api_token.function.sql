create or replace function tideway.revoke_api_token(name text)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_count integer;
begin
  delete from tideway_private.api_tokens t
   where t.name = revoke_api_token.name
     and (t.org_id = tideway.current_org_id()
          or t.org_id is null and pg_catalog.pg_has_role(session_user, 'tideway_owner', 'member'));
  get diagnostics v_count = row_count;
  return v_count;
end;
$$;

comment on function tideway.revoke_api_token(text) is
'Ends the API token of that name; returns how many there were. Every daemon refuses it within five seconds.

  select tideway.revoke_api_token(''shop front'');';
