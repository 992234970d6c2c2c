create or replace function tideway_private.suggestion(class text, code text)
returns text
language sql
stable
set search_path = ''
as $$
  select coalesce(
    (select c.suggestion from tideway_private.error_codes c where c.code = suggestion.code),
    (select c.suggestion from tideway_private.error_classes c where c.error_class = suggestion.class))
$$;

comment on function tideway_private.suggestion(text, text) is
  'What a person can do about an error: the text of its code, else of its class, else null.';
