create or replace function tideway_private.api_caller(token text)
returns table (name text, org_id text, may_operate boolean)
language sql
stable
set search_path = ''
as $$
  select t.name, t.org_id, t.role = 'tideway_operator'
    from tideway_private.api_tokens t
   where t.digest = pg_catalog.sha256(pg_catalog.convert_to(api_caller.token, 'UTF8'))
     and (t.expires_at is null or t.expires_at > pg_catalog.clock_timestamp())
$$;

comment on function tideway_private.api_caller(text) is
  'Whom an API token stands for; no row when it is unknown, over or revoked.';
