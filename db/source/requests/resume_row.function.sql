create or replace function tideway.resume_row(mapping text, key jsonb)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_mapping tideway.mappings := tideway_private.named_mapping(resume_row.mapping);
begin
  perform tideway_private.ask('resume_row', v_mapping.number, null, jsonb_build_object('local_key', tideway_private.key_text(v_mapping.number, resume_row.key)));
  return 1;
end;
$$;

comment on function tideway.resume_row(text, jsonb) is
'Lets a row go on that was paused by pause_row or held as flapping; what changed meanwhile is compared and sent.

  select tideway.resume_row(''products'', ''42'');
  select tideway.resume_row(''prices'', ''{"product": 42, "currency": "EUR"}'');';
