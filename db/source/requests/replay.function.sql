create or replace function tideway.replay(mapping text, key jsonb)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_mapping tideway.mappings := tideway_private.named_mapping(replay.mapping);
begin
  perform tideway_private.ask('replay', v_mapping.number, null, tideway_private.row_args(v_mapping.number, replay.key));
  return 1;
end;
$$;

comment on function tideway.replay(text, jsonb) is
'Sends one row again in full, although nothing changed; a record that was deleted in the app is made again.

For a record that never became a row, give its id: {"remote_id": "rec1"}; it is read again.

  select tideway.replay(''products'', ''42'');
  select tideway.replay(''prices'', ''{"product": 42, "currency": "EUR"}'');';
