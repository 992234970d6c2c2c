create or replace function tideway_private.caller(
  out trusted boolean,
  out org_id  text,
  out user_id text,
  out source  text,
  out problem text
)
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_claims  jsonb;
  v_org     jsonb;
  v_text    text := nullif(current_setting('request.jwt.claims', true), '');
  v_setting text := nullif(current_setting('tideway.org_id', true), '');
begin
  trusted := exists (select from tideway_private.trusted_logins t where t.login = session_user)
             or pg_catalog.pg_has_role(session_user, 'tideway_daemon', 'member')
             or pg_catalog.pg_has_role(session_user, 'tideway_owner', 'member');

  if trusted and v_text is not null then
    begin
      v_claims := v_text::jsonb;
    exception
      when others then null;
    end;
    v_org := coalesce(v_claims -> 'org_id', v_claims #> '{app_metadata,org_id}');
    -- Claims that cannot be read must not fall through to an organisation that nobody named.
    if v_claims is null or pg_catalog.jsonb_typeof(v_claims) <> 'object' then
      source := 'request.jwt.claims';
      problem := 'The claims are not a JSON object.';
      return;
    elsif v_org is not null and (pg_catalog.jsonb_typeof(v_org) <> 'string' or v_org = '""') then
      source := 'request.jwt.claims';
      problem := 'The claim org_id is not a text.';
      return;
    end if;
    user_id := case when pg_catalog.jsonb_typeof(v_claims -> 'sub') = 'string' then nullif(v_claims ->> 'sub', '') end;
    if v_org is not null then
      org_id := v_org #>> '{}';
      source := 'request.jwt.claims';
      return;
    end if;
  elsif trusted and v_setting is not null then
    org_id := v_setting;
    user_id := nullif(current_setting('tideway.user_id', true), '');
    source := 'setting tideway.org_id';
    return;
  end if;

  if v_claims is null then
    select m.org_id, m.user_id into org_id, user_id from tideway.members m where m.login = session_user;
    if found then
      source := 'tideway.members';
      return;
    end if;
  end if;

  -- The limit keeps the count from reading a long list.
  select case when count(*) = 1 then min(o.org_id) end into org_id
    from (select x.org_id from tideway.organisations x limit 2) o;
  if org_id is not null then
    source := 'the only organisation';
  elsif trusted then
    problem := 'There are several organisations, and neither claims nor tideway.org_id name one.';
  else
    problem := 'There are several organisations, and this login is not in tideway.members.';
  end if;
end;
$$;

comment on function tideway_private.caller() is
  'Who is asking, and why we think so. Claims and settings count for trusted logins only; it never raises.';
