create or replace function tideway_private.carry_out_resume(mapping integer, local_key text, who text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
begin
  delete from tideway_private.waiting w
   where w.mapping = carry_out_resume.mapping and w.local_key = carry_out_resume.local_key and w.reason in ('paused', 'flapping');
  update tideway.conflicts c
     set resolution = 'withdrawn', resolved_at = clock_timestamp(), resolved_by = who
    from tideway.mappings m
   where m.number = carry_out_resume.mapping and c.mapping_id = m.id and c.local_key = carry_out_resume.local_key
     and c.kind = 'flapping' and c.resolved_at is null;
  perform tideway_private.carry_out_retry(mapping, jsonb_build_object('local_key', local_key));
end;
$$;

comment on function tideway_private.carry_out_resume(integer, text, text) is
  'Lets a paused or flapping row go on: both sides are compared anew.';
