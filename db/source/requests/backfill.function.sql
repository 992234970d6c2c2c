create or replace function tideway.backfill(mapping text)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_mapping tideway.mappings := tideway_private.named_mapping(backfill.mapping);
  v_run     uuid := tideway_private.pending_run(v_mapping, 'backfill');
begin
  perform tideway_private.ask('backfill', v_mapping.number, null, '{}', v_run);
  return v_run;
end;
$$;

comment on function tideway.backfill(text) is
'Sends every row of a mapping to the app again, in key ranges behind live changes; returns the run''s id.

  select tideway.backfill(''products'');';
