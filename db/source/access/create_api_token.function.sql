create or replace function tideway.create_api_token(
  name     text,
  org_id   text default tideway.current_org_id(),
  role     text default 'tideway_reader',
  expires  timestamptz default null
)
returns text
language plpgsql
volatile
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_token text := 'tw_' || replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
  v_owner boolean := pg_catalog.pg_has_role(session_user, 'tideway_owner', 'member');
begin
  perform tideway_private.one_of('role', create_api_token.role, array['tideway_reader', 'tideway_operator']);
  if not pg_catalog.pg_has_role(session_user, create_api_token.role, 'member') then
    raise exception 'You cannot give the role %, since you do not have it.', create_api_token.role
      using errcode = '42501', hint = format('Ask for it: grant %I to %I;', create_api_token.role, session_user);
  elsif create_api_token.org_id is null and not v_owner then
    raise exception 'Only tideway_owner may make a token for all organisations.'
      using errcode = '42501', hint = 'Name the organisation: org_id => tideway.current_org_id().';
  elsif create_api_token.org_id is distinct from tideway.current_org_id() and not v_owner then
    perform tideway_private.raise_foreign_organisation(create_api_token.org_id);
  elsif create_api_token.expires <= clock_timestamp() then
    raise exception 'The argument expires lies in the past.' using errcode = 'TWARG', hint = 'Give a later moment, or leave it out.';
  end if;

  insert into tideway_private.api_tokens (org_id, name, role, digest, created_by, expires_at)
  values (create_api_token.org_id, create_api_token.name, create_api_token.role, sha256(v_token::bytea),
          coalesce(tideway.current_user_id(), session_user), create_api_token.expires);
  return v_token;
exception
  when unique_violation then
    raise exception 'There is an API token "%" already.', create_api_token.name
      using errcode = 'TWARG', hint = format('End it first: select tideway.revoke_api_token(%L);', create_api_token.name);
end;
$$;

comment on function tideway.create_api_token(text, text, text, timestamptz) is
'Makes a token for the HTTP door and returns it, this once: only its digest is kept. End it with tideway.revoke_api_token.

role: tideway_reader (look) or tideway_operator (look and operate); you must have it yourself. org_id => null makes one for all organisations and is for tideway_owner.

  select tideway.create_api_token(''shop front'', expires => now() + interval ''1 year'');';
