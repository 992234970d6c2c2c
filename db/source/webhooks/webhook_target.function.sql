create or replace function tideway_private.webhook_target(token text)
returns table (
  number     integer,
  org_id     text,
  name       text,
  system     text,
  config     jsonb,
  secret     text,
  tokens     text[],
  "references" text[]
)
language sql
stable
set search_path = ''
as $$
  select c.number, c.org_id, c.name, c.system, c.config, s.secret,
         array(select t.sealed from tideway_private.tokens t
                where t.connection = c.number and t.name like 'webhook\_secret%'
                order by t.stored_at desc, t.version desc),
         array(select x.secret from tideway_private.webhook_secrets x where x.connection = c.number order by x.version desc)
    from tideway_private.webhook_tokens w
    join tideway.connections c on c.number = w.connection
    left join tideway_private.connection_secrets s on s.connection_id = c.id
   where pg_catalog.sha256(w.token::bytea) = pg_catalog.sha256(pg_catalog.convert_to(webhook_target.token, 'UTF8'))
$$;

comment on function tideway_private.webhook_target(text) is
  'The connection that a webhook address belongs to, with everything its deliveries may be signed with, newest first; no row when there is none.';
