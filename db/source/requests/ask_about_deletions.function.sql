create or replace function tideway_private.ask_about_deletions(kind text, run uuid, mapping text)
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
  if num_nonnulls(ask_about_deletions.run, ask_about_deletions.mapping) <> 1 then
    raise exception 'Name either the run or the mapping whose held deletions are meant.'
      using errcode = 'TWARG', hint = 'Look at tideway.held_deletions.';
  end if;
  if ask_about_deletions.mapping is not null then
    v_only := (tideway_private.named_mapping(ask_about_deletions.mapping)).number;
  end if;

  for v_mapping, v_rows in
    select d.mapping, count(*)
      from tideway_private.deletions d
     where d.state = 'held'
       and d.org_id = tideway.current_org_id()
       and (d.run_id = ask_about_deletions.run or d.mapping = v_only)
     group by d.mapping
     order by d.mapping
  loop
    perform tideway_private.ask(ask_about_deletions.kind, v_mapping, null, '{}', ask_about_deletions.run);
    v_all := v_all + v_rows;
  end loop;

  if v_all = 0 then
    raise exception 'No deletions are held for %.',
      coalesce('the run ' || ask_about_deletions.run, format('the mapping "%s"', ask_about_deletions.mapping))
      using errcode = 'TWDEL', hint = 'Look at tideway.held_deletions.';
  end if;
  return v_all;
end;
$$;

comment on function tideway_private.ask_about_deletions(text, uuid, text) is
  'Asks the daemon to release or to drop the held deletions of a run or of a mapping, and says how many they are.';
