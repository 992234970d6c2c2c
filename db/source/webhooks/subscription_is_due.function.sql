create or replace function tideway_private.subscription_is_due(connection integer)
returns boolean
language sql
stable
set search_path = ''
as $$
  select w.tables <> '{}'
         and not exists (
           select from tideway_private.subscriptions s
             join tideway_private.webhook_tokens t on t.connection = s.connection
            where s.connection = subscription_is_due.connection
              and s.url = d.public_url || '/webhooks/' || t.token
              and s.tables = w.tables
              and s.due_at > pg_catalog.clock_timestamp())
    from tideway_private.door d
   cross join lateral (select tideway_private.wanted_tables(subscription_is_due.connection) as tables) as w
   where d.public_url is not null
$$;

comment on function tideway_private.subscription_is_due(integer) is
  'Whether the app is to be asked to ring, or to be asked whether it still does; null without a public address.';
