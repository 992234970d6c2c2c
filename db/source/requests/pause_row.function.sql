create or replace function tideway.pause_row(mapping text, key jsonb, reason text default null)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_mapping tideway.mappings := tideway_private.named_mapping(pause_row.mapping);
begin
  perform tideway_private.ask('pause_row', v_mapping.number, null,
    jsonb_build_object('local_key', tideway_private.key_text(v_mapping.number, pause_row.key), 'reason', pause_row.reason));
  return 1;
end;
$$;

comment on function tideway.pause_row(text, jsonb, text) is
'Leaves one row alone in both directions until resume_row; all other rows of the mapping go on.

  select tideway.pause_row(''products'', ''42'', ''price under discussion'');';
