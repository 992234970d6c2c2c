create or replace function tideway_private.daemon_connections()
returns table (
  number     integer,
  org_id     text,
  name       text,
  system     text,
  config     jsonb,
  secret     text,
  changed    text,
  state      text,
  owner      text,
  free       boolean,
  label      text
)
language sql
stable
set search_path = ''
as $$
  select c.number, c.org_id, c.name, c.system, c.config, s.secret,
         pg_catalog.md5(pg_catalog.concat_ws(' ', c.system, c.config::text, s.secret, s.changed_at::text, tideway_private.label(c.name, c.id))),
         c.state, l.owner,
         l.connection is null or l.expires_at <= pg_catalog.clock_timestamp(),
         tideway_private.label(c.name, c.id)
    from tideway.connections c
    left join tideway_private.connection_secrets s on s.connection_id = c.id
    left join tideway_private.leases l on l.connection = c.number
   order by c.number
$$;

comment on function tideway_private.daemon_connections() is
  'Every connection with what a daemon needs to work for it, whether it is free to be taken, and a mark that changes with its settings.';
