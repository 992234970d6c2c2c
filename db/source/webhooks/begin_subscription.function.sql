create or replace function tideway_private.begin_subscription(connection integer)
returns table (url text, tables text[], known jsonb)
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_url    text;
  v_tables text[] := tideway_private.wanted_tables(begin_subscription.connection);
begin
  select d.public_url || '/webhooks/' || tideway_private.webhook_token(c.number, c.org_id) into v_url
    from tideway_private.door d
    join tideway.connections c on c.number = begin_subscription.connection;
  if v_url is null or v_tables = '{}' then
    return;
  end if;
  -- What was made for another address or other tables is not renewed but made anew.
  return query
    select v_url, v_tables,
           (select s.known from tideway_private.subscriptions s
             where s.connection = begin_subscription.connection and s.url = v_url and s.tables = v_tables);
end;
$$;

comment on function tideway_private.begin_subscription(integer) is
  'What the app is to be asked for, and what it said the last time; no row when nothing is wanted.';
