create or replace function tideway_private.raise_unknown(kind text, name text, names text[], code text, listing text)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_outside boolean := tideway.current_org_id() is null;
begin
  raise exception 'There is no % %.', kind, coalesce(format('"%s"', raise_unknown.name), 'null')
    using errcode = code,
          detail = case
                     when v_outside then 'You see the rows of no organisation.'
                     else format('%s %ss are defined.', cardinality(names), kind)
                   end,
          hint = case
                   when v_outside then 'Why, and what to do: select problem, mend from tideway.whoami();'
                   else coalesce('Did you mean ' || tideway_private.nearest_names(raise_unknown.name, names) || '? ', '')
                        || 'List them with: ' || listing
                 end;
end;
$$;

comment on function tideway_private.raise_unknown(text, text, text[], text, text) is
  'Raises that nothing of that kind has the name: with the nearest of those that there are, and how to list them.';
