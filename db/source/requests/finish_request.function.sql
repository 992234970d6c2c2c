create or replace function tideway_private.finish_request(id bigint)
returns void
language sql
volatile
set search_path = ''
as $$
  delete from tideway_private.requests r where r.id = finish_request.id
$$;

comment on function tideway_private.finish_request(bigint) is
  'Ends a request that the daemon carried out; until then the next owner of the connection finds it again.';
