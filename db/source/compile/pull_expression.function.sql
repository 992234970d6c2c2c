create or replace function tideway_private.pull_expression(value text, type text, local_type text, transform text)
returns text
language sql
stable
set search_path = ''
as $$
  select case
           when not tideway_private.converts(type, local_type) then null
           else tideway_private.pull_cast(
                  tideway_private.pull_text(tideway_private.transform_expression(value, transform), type, tideway_private.base_type(local_type)),
                  type, local_type)
         end
$$;

comment on function tideway_private.pull_expression(text, text, text, text) is
  'The SQL that turns a jsonb expression of the app into a value of the column; null when the two types cannot convert.';
