create or replace function tideway_private.same_value(ours jsonb, shown jsonb, type text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select ours = shown
      or type = 'number' and case
           when ours #>> '{}' ~ '^\s*-?[0-9]{1,60}(\.[0-9]{1,60})?\s*$' and shown #>> '{}' ~ '^\s*-?[0-9]{1,60}(\.[0-9]{1,60})?\s*$'
             then (ours #>> '{}')::numeric = (shown #>> '{}')::numeric
           else false
         end
$$;

comment on function tideway_private.same_value(jsonb, jsonb, text) is
  'Whether the app shows a value of ours: shops show amounts as text that were sent as numbers.';
