create or replace function tideway.set_webhook_secret(connection text, secret text)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_connection tideway.connections := tideway_private.named_connection(set_webhook_secret.connection);
  v_version    integer;
begin
  perform from tideway.connections c where c.id = v_connection.id for update;
  insert into tideway_private.webhook_secrets (connection, version, org_id, secret)
  select v_connection.number, coalesce(max(s.version), 0) + 1, v_connection.org_id, set_webhook_secret.secret
    from tideway_private.webhook_secrets s
   where s.connection = v_connection.number
  returning version into v_version;
  delete from tideway_private.webhook_secrets s
   where s.connection = v_connection.number and s.version < v_version - 1;
  return (select count(*) from tideway_private.webhook_secrets s where s.connection = v_connection.number);
exception
  when check_violation or not_null_violation then
    perform tideway_private.raise_invalid_secret(set_webhook_secret.connection);
    return null;
end;
$$;

comment on function tideway.set_webhook_secret(text, text) is
'Gives a connection a secret that webhooks prove themselves with; returns how many count now. The one before stays valid, so that an app can be changed over.

The secret is a reference (env:NAME, file:PATH, vault:NAME, sealed:...). Call it twice with the new one to end the old one.

  select tideway.set_webhook_secret(''base'', ''env:AIRTABLE_WEBHOOK_SECRET'');
  select tideway.webhook_url(''base'');';
