create or replace function tideway.connect(
  name    text,
  system  text,
  config  jsonb default '{}',
  secret  text default null,
  org_id  text default null
)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_org     text := coalesce(connect.org_id, tideway.current_org_id());
  v_config  jsonb := coalesce(connect.config, '{}');
  v_old     tideway.connections;
  v_id      uuid;
  v_host    text;
  v_changed boolean;
begin
  perform tideway_private.defining(true);
  perform tideway_private.raise_invalid_name('connection', connect.name);
  if v_org is null or (v_org <> coalesce(tideway.current_org_id(), '')
     and not pg_catalog.pg_has_role(current_user, 'tideway_owner', 'usage')
     and not pg_catalog.pg_has_role(current_user, 'tideway_daemon', 'usage'))
  then
    perform tideway_private.raise_foreign_organisation(v_org);
  end if;
  if jsonb_typeof(v_config) <> 'object' then
    perform tideway_private.raise_invalid_settings(connect.name, connect.system, array['The settings must be a JSON object.']);
  end if;
  if connect.secret !~ '^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^[:cntrl:]]+|vault:[^[:cntrl:]]+|sealed:v1:[A-Za-z0-9_:+/=.-]+)$' then
    perform tideway_private.raise_invalid_secret(connect.name);
  end if;
  v_host := connect.system || ' ' || tideway_private.identity_settings(v_config);

  select * into v_old from tideway.connections c where c.org_id = v_org and c.name = connect.name for update;
  v_id := v_old.id;
  if v_id is null then
    insert into tideway.connections (org_id, name, system, config, created_by)
    values (v_org, connect.name, connect.system, v_config, coalesce(tideway.current_user_id(), current_user))
    returning id into v_id;
  end if;

  if connect.secret is not null then
    -- Written without reading it: whoever may set a secret may still not see it. The daemon tells changes by changed_at.
    update tideway_private.connection_secrets
       set secret = connect.secret, host = v_host, changed_at = now()
     where connection_id = v_id;
    if not found then
      insert into tideway_private.connection_secrets (connection_id, org_id, secret, host)
      values (v_id, v_org, connect.secret, v_host);
    end if;
  end if;

  v_changed := v_old.id is not null and (v_old.system, v_old.config) is distinct from (connect.system, v_config);
  update tideway.connections c
     set system = connect.system,
         config = v_config,
         has_secret = c.has_secret or connect.secret is not null,
         tested_at = case when v_changed then null else c.tested_at end,
         test_error = case when v_changed then null else c.test_error end,
         state = case when c.state = 'unauthorized' and (v_changed or connect.secret is not null) then 'active' else c.state end,
         paused_at = case when c.state = 'unauthorized' and (v_changed or connect.secret is not null) then null else c.paused_at end,
         paused_reason = case when c.state = 'unauthorized' and (v_changed or connect.secret is not null) then null else c.paused_reason end
   where c.id = v_id
     and (v_changed
          or not c.has_secret and connect.secret is not null
          or c.state = 'unauthorized' and connect.secret is not null);

  perform pg_notify('tideway_requests', '');
  perform tideway_private.defining(false);
  return v_id;
end;
$$;

comment on function tideway.connect(text, text, jsonb, text, text) is
'Defines or changes the connection to one account of an app; returns its id. Doing it again changes nothing.

The secret is a reference (env:NAME, file:PATH, vault:NAME, sealed:...), never the secret itself; leave it out to keep it. Another host or account asks for it again.

  select tideway.connect(''shop'', ''shopify'', ''{"shop": "acme.myshopify.com"}'', ''env:SHOPIFY_TOKEN'');';
