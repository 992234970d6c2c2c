create or replace function tideway_private.push_list_items(items jsonb)
returns integer
language sql
volatile
set search_path = ''
as $$
  -- Marks are made by the owner of the target: only short transactions write the outbox.
  select count(tideway_private.ask('mark', x.target, null, pg_catalog.jsonb_build_object('keys', x.keys)))::integer
    from (select i.target, pg_catalog.jsonb_agg(distinct s.local_key) as keys
            from pg_catalog.jsonb_to_recordset(items) as i (source integer, source_id text, target integer)
            join tideway_private.links s on s.mapping = i.source and s.remote_id = i.source_id and s.local_gone_at is null
           group by i.target
           order by i.target) as x
$$;

comment on function tideway_private.push_list_items(jsonb) is
  'Has the rows of list items looked at by their target mappings.';
