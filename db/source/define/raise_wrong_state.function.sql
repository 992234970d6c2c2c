create or replace function tideway_private.raise_wrong_state(mapping tideway.mappings, action text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  raise exception 'The mapping "%" is %, so it cannot be %.', (mapping).name, (mapping).state, action
    using errcode = 'TWSTA',
          detail = coalesce((mapping).paused_reason, ''),
          hint = case (mapping).state
                   when 'paused' then format('Resume it: select tideway.resume(%L);', (mapping).name)
                   else 'Look at: select name, state from tideway.mappings;'
                 end;
end;
$$;

comment on function tideway_private.raise_wrong_state(tideway.mappings, text) is
  'Refuses what the state of a mapping does not allow.';
