create or replace function tideway_private.widens(old_type text, new_type text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select case
    when old_type in ('smallint', 'integer') then new_type in ('integer', 'bigint')
    when old_type ~ '^character varying(\(\d+\))?$' and new_type in ('text', 'character varying') then true
    else coalesce(substring(new_type from '^character varying\((\d+)\)$')::integer
                  >= substring(old_type from '^character varying\((\d+)\)$')::integer, false)
  end
$$;

comment on function tideway_private.widens(text, text) is
  'Whether every value of the old type is the same value of the new one, so that what is known of it still holds.';
