create or replace function tideway.reject_deletions(run uuid default null, mapping text default null)
returns integer
language sql
volatile
set search_path = ''
as $$
  select tideway_private.ask_about_deletions('reject_deletions', reject_deletions.run, reject_deletions.mapping)
$$;

comment on function tideway.reject_deletions(uuid, text) is
'Refuses held deletions of one run, or of one mapping; returns how many.

Nothing is deleted; the rows stay linked and are found again by the next sweep if they are still gone.

  select tideway.reject_deletions(mapping => ''products'');';
