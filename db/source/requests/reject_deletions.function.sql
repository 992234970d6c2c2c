create or replace function tideway.reject_deletions(run uuid default null, mapping text default null)
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
  if num_nonnulls(reject_deletions.run, reject_deletions.mapping) <> 1 then
    raise exception 'Name either the run or the mapping whose held deletions are meant.'
      using errcode = 'TWARG', hint = 'Look at tideway.held_deletions.';
  end if;
  if reject_deletions.mapping is not null then
    v_only := (tideway_private.named_mapping(reject_deletions.mapping)).number;
  end if;

  for v_mapping, v_rows in
    select d.mapping, count(*)
      from tideway_private.deletions d
     where d.state = 'held'
       and d.org_id = tideway.current_org_id()
       and (d.run_id = reject_deletions.run or d.mapping = v_only)
     group by d.mapping
     order by d.mapping
  loop
    perform tideway_private.ask('reject_deletions', v_mapping, null, '{}', reject_deletions.run);
    v_all := v_all + v_rows;
  end loop;

  if v_all = 0 then
    raise exception 'No deletions are held for %.', coalesce('the run ' || reject_deletions.run, format('the mapping "%s"', reject_deletions.mapping))
      using errcode = 'TWDEL', hint = 'Look at tideway.held_deletions.';
  end if;
  return v_all;
end;
$$;

comment on function tideway.reject_deletions(uuid, text) is
'Refuses held deletions of one run, or of one mapping; returns how many.

Nothing is deleted; the rows stay linked and are found again by the next sweep if they are still gone.

  select tideway.reject_deletions(mapping => ''products'');';
