create or replace function tideway.resume(mapping text)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_map  tideway.mappings := tideway_private.named_mapping(resume.mapping);
begin
  if v_map.state <> 'paused' then
    return 0;
  end if;

  if v_map.activated_at is not null then
    perform tideway_private.publish_valid(v_map);
  end if;

  perform tideway_private.defining(true);
  -- The table may have another shape than when its SQL was written.
  if v_map.shape is distinct from tideway_private.shape_of(v_map.local_table, tideway_private.mapped_columns(v_map)) then
    perform tideway_private.compile(v_map.number);
  end if;
  update tideway.mappings m
     set state = case when m.activated_at is null then 'draft' else 'pending' end,
         paused_at = null, paused_reason = null, paused_code = null
   where m.id = v_map.id;
  perform tideway_private.defining(false);
  -- Stopped by Tideway itself, or taken out of the publication: nobody knows what was missed.
  if v_map.paused_code is not null and v_map.activated_at is not null then
    perform tideway_private.ask('compare', v_map.number, null);
  end if;
  perform pg_notify('tideway_requests', (select c.number::text from tideway.connections c where c.id = v_map.connection_id));
  return 1;
end;
$$;

comment on function tideway.resume(text) is
'Lets a paused mapping go on; returns 0 when it was not paused. What waited is worked off, oldest first.

A mapping that Tideway stopped because its table changed must validate again, and every row is compared.

  select tideway.resume(''products'');';
