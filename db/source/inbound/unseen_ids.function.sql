create or replace function tideway_private.unseen_ids(mapping integer, run uuid, after text default null, max_rows integer default 1000)
returns text[]
language sql
stable
set search_path = ''
as $$
  select coalesce(pg_catalog.array_agg(x.remote_id order by x.remote_id), '{}')
    from (select l.remote_id
            from tideway_private.links l
            join tideway.sync_runs r on r.id = unseen_ids.run
           where l.mapping = unseen_ids.mapping
             and l.remote_id > coalesce(unseen_ids.after, '')
             and l.remote_gone_at is null
             and not exists (select from tideway_private.seen_ids s where s.run_id = unseen_ids.run and s.remote_id = l.remote_id)
           order by l.remote_id
           limit max_rows) as x
$$;

comment on function tideway_private.unseen_ids(integer, uuid, text, integer) is
  'Linked records that a complete read did not show: perhaps gone, perhaps missed. Each is asked for by its id.';
