create or replace function tideway.test_connection(connection text)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_connection tideway.connections := tideway_private.named_connection(test_connection.connection);
  v_run        uuid := gen_random_uuid();
begin
  perform tideway_private.ask('test_connection', null, v_connection.number, '{}', v_run);
  return v_run;
end;
$$;

comment on function tideway.test_connection(text) is
'Asks the daemon to try a connection; the answer is tested_at and test_error in tideway.connections, within seconds of the commit.

Returns the id under which the daemon logs it; it moves no rows, so it has no entry in tideway.sync_runs.

  select tideway.test_connection(''shop'');';
