create or replace function tideway.promote(mapping text)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_mapping tideway.mappings := tideway_private.named_mapping(promote.mapping);
begin
  if not v_mapping.shadow then
    raise exception 'The mapping "%" is not in shadow: it writes already.', v_mapping.name
      using errcode = 'TWSTA', hint = 'Set shadow in the options of tideway.map(...) to make a mapping only compute and record.';
  end if;
  perform tideway_private.ask('promote', v_mapping.number, null);
  return 1;
end;
$$;

comment on function tideway.promote(text) is
'Lets a mapping in shadow write for real. Both sides are read and compared anew, so nothing found in shadow is lost.

What a mapping in shadow would have written stands in changes of its runs: select kind, changes from tideway.sync_runs.

  select tideway.promote(''products'');';
