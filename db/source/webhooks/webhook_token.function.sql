create or replace function tideway_private.webhook_token(connection integer, org_id text)
returns text
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_token text;
begin
  insert into tideway_private.webhook_tokens (connection, org_id, token)
  values (webhook_token.connection, webhook_token.org_id,
          replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''))
  on conflict on constraint webhook_tokens_pkey do nothing;
  select t.token into v_token from tideway_private.webhook_tokens t where t.connection = webhook_token.connection;
  return v_token;
end;
$$;

comment on function tideway_private.webhook_token(integer, text) is
  'The unguessable part of a connection''s webhook address, made when it is first wanted.';
