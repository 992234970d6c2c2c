create or replace function tideway_private.unseen_ids(mapping integer, run uuid, after text default null, max_rows integer default 1000)
returns text[]
language sql
stable
set search_path = ''
-- Nobody counts what is in the pages, so that a planner may take a million of them for ten.
set enable_nestloop = off
set work_mem = '64MB'
as $$
  select coalesce(pg_catalog.array_agg(x.remote_id order by x.remote_id), '{}')
    from (select l.remote_id
            from tideway_private.links l
           where l.mapping = unseen_ids.mapping
             and l.remote_id > coalesce(unseen_ids.after, '')
             and l.remote_gone_at is null
             and not exists (select
                               from (select pg_catalog.unnest(p.remote_ids) as remote_id
                                       from tideway_private.seen_pages p
                                      where p.run_id = unseen_ids.run) as s
                              where s.remote_id = l.remote_id)
           order by l.remote_id
           limit max_rows) as x
$$;

comment on function tideway_private.unseen_ids(integer, uuid, text, integer) is
$$Linked records that a complete read did not show: perhaps gone, perhaps missed. Each is asked for by its id.

Each call goes through all that was seen, so callers ask for many.$$;
