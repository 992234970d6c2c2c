create or replace function tideway.webhook_url(connection text)
returns text
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_connection tideway.connections := tideway_private.named_connection(webhook_url.connection);
  v_token      text;
begin
  v_token := tideway_private.webhook_token(v_connection.number, v_connection.org_id);
  return coalesce((select d.public_url from tideway_private.door d), '') || '/webhooks/' || v_token;
end;
$$;

comment on function tideway.webhook_url(text) is
'Where the app of a connection rings when something changed. Only the path, while no daemon runs with TIDEWAY_PUBLIC_URL.

Whoever knows the address can ring but proves nothing: a delivery counts only with the app''s signature or a secret of tideway.set_webhook_secret.

  select tideway.webhook_url(''shop'');';
