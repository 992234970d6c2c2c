create or replace function tideway.sweep(mapping text)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_mapping tideway.mappings := tideway_private.named_mapping(sweep.mapping);
  v_run     uuid := tideway_private.pending_run(v_mapping, 'sweep');
begin
  perform tideway_private.ask('sweep', v_mapping.number, null, '{}', v_run);
  return v_run;
end;
$$;

comment on function tideway.sweep(text) is
'Compares every row of a mapping with the app, repairs drift and finds deletions; returns the run''s id.

  select tideway.sweep(''products'');';
