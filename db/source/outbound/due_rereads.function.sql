create or replace function tideway_private.due_rereads(mapping integer, max_rows integer default 100)
returns text[]
language sql
stable
set search_path = ''
as $$
  select coalesce(pg_catalog.array_agg(x.remote_id), '{}')
    from (select r.remote_id
            from tideway_private.rereads r
           where r.mapping = due_rereads.mapping
             and r.due_at <= pg_catalog.clock_timestamp()
             -- Before the app shows a write, reading tells nothing.
             and not exists (
               select from tideway_private.links l
                where l.mapping = r.mapping and l.remote_id = r.remote_id
                  and l.sent is not null and l.visible_from > pg_catalog.clock_timestamp())
           order by r.due_at
           limit max_rows) as x
$$;

comment on function tideway_private.due_rereads(integer, integer) is
  'Records whose turn it is to be read again by id, the longest due first.';
