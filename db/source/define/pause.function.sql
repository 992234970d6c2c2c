create or replace function tideway.pause(mapping text, reason text default null, unpublish boolean default false)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_map tideway.mappings := tideway_private.named_mapping(pause.mapping);
begin
  if pause.unpublish and tideway_private.is_published(v_map.local_table)
     and not exists (select from tideway.mappings m
                      where m.local_table = v_map.local_table and m.id <> v_map.id and m.state in ('pending', 'active')
                        and (m.direction <> 'pull' or m.read is not null))
  then
    execute format('alter publication %I drop table %s', tideway_private.publication_name(), v_map.local_table);
  end if;

  perform tideway_private.defining(true);
  update tideway.mappings m
     set state = 'paused',
         paused_at = coalesce(m.paused_at, now()),
         paused_reason = coalesce(pause.reason, m.paused_reason),
         paused_code = case when pause.unpublish then 'UNPUBLISHED' when m.state = 'paused' then m.paused_code end
   where m.id = v_map.id;
  perform tideway_private.defining(false);
  perform pg_notify('tideway_requests', (select c.number::text from tideway.connections c where c.id = v_map.connection_id));
  return 1;
end;
$$;

comment on function tideway.pause(text, text, boolean) is
'Stops a mapping in both directions. Changes wait in Postgres; nothing is lost.

Pausing again keeps the first time and takes the new reason. With unpublish the owner also takes the table out of the publication, to change its key in peace; resuming then compares every row. Undo with tideway.resume(mapping).

  select tideway.pause(''products'', ''stock taking'');';
