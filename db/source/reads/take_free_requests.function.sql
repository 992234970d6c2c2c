create or replace function tideway_private.take_free_requests()
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_request tideway_private.requests;
  v_count   integer := 0;
begin
  for v_request in
    select r.* from tideway_private.requests r where r.kind = 'invalidate' and r.connection is null order by r.id limit 100 for update skip locked
  loop
    insert into tideway_private.read_versions as v (mapping, org_id)
    select m.number, m.org_id
      from tideway.mappings m
     where m.org_id = v_request.org_id
       and m.read is not null
       and (v_request.args ->> 'name' is null or m.read ->> 'name' = v_request.args ->> 'name')
     order by m.number
    on conflict on constraint read_versions_pkey do update set version = v.version + 1;
    delete from tideway_private.requests r where r.id = v_request.id;
    v_count := v_count + 1;
  end loop;
  return v_count;
end;
$$;

comment on function tideway_private.take_free_requests() is
  'Carries out what people asked for that belongs to no connection; any daemon may.';
