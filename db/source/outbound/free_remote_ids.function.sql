create or replace function tideway_private.free_remote_ids(mapping integer, outcomes jsonb)
returns void
language sql
volatile
set search_path = ''
as $$
  -- Where a record's id is its key, a row that is inserted again gets the id of the record that was deleted before.
  update tideway_private.links t
     set remote_id = null,
         touched_at = nextval('tideway_private.moments')
    from jsonb_to_recordset(outcomes) as o (link_id bigint, result text, remote_id text)
    join tideway_private.links k on k.id = o.link_id and k.remote_id is null
   where t.mapping = free_remote_ids.mapping
     and t.remote_id = o.remote_id
     and o.result in ('written', 'found')
     and t.local_gone_at is not null
     and t.remote_gone_at is not null
$$;

comment on function tideway_private.free_remote_ids(integer, jsonb) is
  'Takes the ids that the app gave to new records from links that are gone on both sides: the app itself says whose they are now.';
