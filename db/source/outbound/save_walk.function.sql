create or replace function tideway_private.save_walk(request bigint, args jsonb)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
begin
  update tideway_private.requests r
     set args = r.args || save_walk.args
   where r.id = save_walk.request;
  return found;
end;
$$;

comment on function tideway_private.save_walk(bigint, jsonb) is
  'Remembers how far a comparison or backfill has come; false when a newer one has taken its place.';
