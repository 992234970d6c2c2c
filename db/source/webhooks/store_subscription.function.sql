create or replace function tideway_private.store_subscription(
  connection  integer,
  epoch       bigint,
  url         text,
  tables      text[],
  known       jsonb,
  problem     text default null
)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_now     timestamptz := clock_timestamp();
  v_expires timestamptz := (store_subscription.known ->> 'expiresAt')::timestamptz;
begin
  insert into tideway_private.subscriptions as s (connection, org_id, url, tables, known, expires_at, due_at, attempts, problem, kept_at)
  select l.connection, l.org_id, store_subscription.url, store_subscription.tables, store_subscription.known, v_expires,
         -- Looked after every hour, since apps drop what failed for a while; of a short life, half of it.
         case when store_subscription.problem is null
              then least(v_now + interval '1 hour', greatest(v_now + (v_expires - v_now) / 2, v_now + interval '1 min'))
              else v_now + interval '30 s' end,
         case when store_subscription.problem is null then 0 else 1 end,
         store_subscription.problem,
         case when store_subscription.problem is null then v_now end
    from tideway_private.leases l
   where l.connection = store_subscription.connection and l.epoch = store_subscription.epoch and l.expires_at > v_now
  on conflict on constraint subscriptions_pkey do update
     set url = excluded.url,
         tables = excluded.tables,
         known = case when excluded.problem is null then excluded.known
                      when s.url = excluded.url and s.tables = excluded.tables then s.known end,
         expires_at = case when excluded.problem is null then excluded.expires_at else s.expires_at end,
         due_at = case when excluded.problem is null then excluded.due_at
                       else v_now + least(interval '1 hour', interval '30 s' * power(2, least(s.attempts, 7))) end,
         attempts = case when excluded.problem is null then 0 else s.attempts + 1 end,
         problem = excluded.problem,
         kept_at = coalesce(excluded.kept_at, s.kept_at);
  return found;
end;
$$;

comment on function tideway_private.store_subscription(integer, bigint, text, text[], jsonb, text) is
  'Keeps what the app said about its webhook, or why it could not be made; false when the caller has lost the connection''s lease.';
