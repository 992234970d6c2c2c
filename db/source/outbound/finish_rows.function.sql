create or replace function tideway_private.finish_rows(map tideway.mappings, keys text[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform from tideway_private.waiting w
    where w.mapping = map.number and w.local_key = any (keys)
    order by w.local_key
      for update;
  delete from tideway_private.waiting w
   where w.mapping = map.number
     and w.local_key = any (keys)
     and w.reason in ('retry', 'dependency', 'failed');
  if exists (select from tideway.sync_errors e where e.mapping_id = map.id and e.direction = 'push' and e.resolved_at is null and e.local_key = any (keys)) then
    perform tideway_private.close_errors(map.number, 'push', keys, array_fill(null::text, array[cardinality(keys)]));
  end if;
end;
$$;

comment on function tideway_private.finish_rows(tideway.mappings, text[]) is
  'Rows that are in step now: nothing of theirs waits, and their open errors are closed.';
