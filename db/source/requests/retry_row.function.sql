create or replace function tideway.retry_row(mapping text, key jsonb)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_mapping tideway.mappings := tideway_private.named_mapping(retry_row.mapping);
begin
  perform tideway_private.ask('retry', v_mapping.number, null, tideway_private.row_args(v_mapping.number, retry_row.key));
  return 1;
end;
$$;

comment on function tideway.retry_row(text, jsonb) is
'Tries one row again at once, in both directions: attempts start anew. Mend the row and retry it in one transaction.

For a record that never became a row, give its id: {"remote_id": "rec1"}.

  select tideway.retry_row(''products'', ''42'');
  select tideway.retry_row(''prices'', ''{"product": 42, "currency": "EUR"}'');';
