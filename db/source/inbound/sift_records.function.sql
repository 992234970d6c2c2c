create or replace function tideway_private.sift_records(records text, out sifted text, out total integer, out errors jsonb)
language sql
immutable
set search_path = ''
as $$
  -- A record without an id cannot be told from any other; of two with one id the later counts.
  select pg_catalog.string_agg(p.rec::text, E'\n' order by p.ord) filter (where p.problem is null and p.id is not null and p.later = 1),
         pg_catalog.count(*) filter (where p.problem is null),
         coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('remote_id', p.id, 'row', p.rec -> 'position', 'class', 'VALIDATION_ERROR',
             'code', p.problem, 'message', 'The record holds what a database cannot store: ' || case p.problem
               when 'INVALID_CHARACTER' then 'a NUL character' when 'INVALID_ENCODING' then 'half of a surrogate pair or broken JSON'
               when 'PAYLOAD_TOO_LARGE' then 'JSON that is nested too deep' else 'broken JSON' end)
             order by p.ord) filter (where p.problem is not null), '[]')
         || coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('row', p.rec -> 'position', 'class', 'API_ERROR', 'code', 'BAD_RESPONSE',
             'message', 'The app sent a record without an id')
             order by p.ord) filter (where p.problem is null and p.id is null), '[]')
    from (select r.ord, r.rec, r.problem, r.rec ->> 'id' as id,
                 pg_catalog.row_number() over (partition by r.problem, r.rec ->> 'id' order by r.ord desc) as later
            from tideway_private.parse_records(records) as r) as p
$$;

comment on function tideway_private.sift_records(text) is
  'A page without the records that cannot be stored, have no id or come again later, how many could be read, and what to say of the others.';
