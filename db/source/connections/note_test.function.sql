create or replace function tideway_private.note_test(connection integer, account text, problem text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
begin
  update tideway.connections c
     set tested_at = clock_timestamp(),
         test_error = note_test.problem,
         account = coalesce(note_test.account, c.account)
   where c.number = note_test.connection;
end;
$$;

comment on function tideway_private.note_test(integer, text, text) is
  'The answer to test_connection: whose account it is, or why it cannot be used.';
