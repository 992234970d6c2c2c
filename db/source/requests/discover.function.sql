create or replace function tideway.discover(connection text)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_connection tideway.connections := tideway_private.named_connection(discover.connection);
  v_run        uuid := gen_random_uuid();
begin
  perform tideway_private.ask('discover', null, v_connection.number, '{}', v_run);
  return v_run;
end;
$$;

comment on function tideway.discover(text) is
'Asks the daemon to read the tables and columns of an app; the answer is in tideway.remote_tables and tideway.remote_columns.

Returns the id under which the daemon logs it; it moves no rows, so it has no entry in tideway.sync_runs.

  select tideway.discover(''shop'');';
