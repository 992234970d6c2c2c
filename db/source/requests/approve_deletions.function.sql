create or replace function tideway.approve_deletions(run uuid default null, mapping text default null)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_only    integer;
  v_mapping integer;
  v_rows    integer;
  v_all     integer := 0;
begin
  if num_nonnulls(approve_deletions.run, approve_deletions.mapping) <> 1 then
    raise exception 'Name either the run or the mapping whose held deletions are meant.'
      using errcode = 'TWARG', hint = 'Look at tideway.held_deletions.';
  end if;
  if approve_deletions.mapping is not null then
    v_only := (tideway_private.named_mapping(approve_deletions.mapping)).number;
  end if;

  for v_mapping, v_rows in
    select d.mapping, count(*)
      from tideway_private.deletions d
     where d.state = 'held'
       and d.org_id = tideway.current_org_id()
       and (d.run_id = approve_deletions.run or d.mapping = v_only)
     group by d.mapping
     order by d.mapping
  loop
    perform tideway_private.ask('approve_deletions', v_mapping, null, '{}', approve_deletions.run);
    v_all := v_all + v_rows;
  end loop;

  if v_all = 0 then
    raise exception 'No deletions are held for %.', coalesce('the run ' || approve_deletions.run, format('the mapping "%s"', approve_deletions.mapping))
      using errcode = 'TWDEL', hint = 'Look at tideway.held_deletions.';
  end if;
  return v_all;
end;
$$;

comment on function tideway.approve_deletions(uuid, text) is
'Lets held deletions happen of one run, or of one mapping; returns how many.

The rows or records are deleted on the other side when the request is carried out; those that reappeared meanwhile are not.

  select tideway.approve_deletions(mapping => ''products'');';
