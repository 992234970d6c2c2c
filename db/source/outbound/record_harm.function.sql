create or replace function tideway_private.record_harm(mapping integer, outcomes jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
begin
  -- Without a local key: a later write of that row is a success, and brings nothing back.
  perform tideway_private.record_errors(record_harm.mapping, null, 'push', jsonb_agg(jsonb_build_object(
            'remote_id', h.remote_id, 'column', coalesce(c.local, h."column"), 'class', h.class, 'code', h.code,
            'severity', 'warning', 'message', h.message)))
     from jsonb_to_recordset(record_harm.outcomes) as o (harmed jsonb)
    cross join lateral jsonb_to_recordset(o.harmed) as h (remote_id text, class text, code text, message text, "column" text)
     left join lateral (
       select k.local
         from tideway.mapping_columns k
         join tideway.mappings m on m.id = k.mapping_id
        where m.number = record_harm.mapping and k.remote = h."column"
        limit 1) c on true
   having count(*) > 0;
end;
$$;

comment on function tideway_private.record_harm(integer, jsonb) is
'Tells people what the writes of a batch took from other records: a warning of that record, which stays open until somebody closes it.';
