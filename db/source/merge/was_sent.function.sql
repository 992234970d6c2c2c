create or replace function tideway_private.was_sent(sent_before jsonb, shown jsonb, type text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select sent_before @> pg_catalog.jsonb_build_array(shown)
      or type = 'number' and exists (
           select from pg_catalog.jsonb_array_elements(sent_before) e where tideway_private.same_value(e.value, shown, type))
$$;

comment on function tideway_private.was_sent(jsonb, jsonb, text) is
  'Whether the app shows an older value of ours.';
