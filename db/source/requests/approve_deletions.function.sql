create or replace function tideway.approve_deletions(run uuid default null, mapping text default null)
returns integer
language sql
volatile
set search_path = ''
as $$
  select tideway_private.ask_about_deletions('approve_deletions', approve_deletions.run, approve_deletions.mapping)
$$;

comment on function tideway.approve_deletions(uuid, text) is
'Lets held deletions happen of one run, or of one mapping; returns how many.

The rows or records are deleted on the other side when the request is carried out; those that reappeared meanwhile are not.

  select tideway.approve_deletions(mapping => ''products'');';
