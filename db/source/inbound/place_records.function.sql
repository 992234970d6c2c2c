create or replace function tideway_private.place_records(map tideway.mappings, ids text[], keys text[])
returns table (n integer, link_id bigint, verdict text)
language sql
stable
set search_path = ''
as $$
  -- A record nobody knows yet: by its key it may be our own create, a row that has another record, or a new life.
  select x.n::integer,
         l.id,
         case
           when x.key is null and exists (
                  select from tideway_private.links o
                   where o.mapping = map.number and o.remote_id is null and o.sent_op = 'create')
             then 'open_create'
           when l.id is null then 'new'
           when l.remote_id is null then 'adopt'
           when l.remote_gone_at is not null and l.local_gone_at is null then 'relink'
           when l.remote_gone_at is not null then 'new'
           else 'duplicate'
         end
    from unnest(ids, keys) with ordinality as x (id, key, n)
    left join tideway_private.row_links l on l.mapping = map.number and l.local_key = x.key
$$;

comment on function tideway_private.place_records(tideway.mappings, text[], text[]) is
  'Where an unknown record belongs: a new link, our own unanswered create, a row whose record is gone, or a duplicate.';
