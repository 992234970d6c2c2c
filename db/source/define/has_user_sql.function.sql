create or replace function tideway_private.has_user_sql(transform text)
returns boolean
language sql
stable
set search_path = ''
as $$
  select exists (
    select from pg_catalog.string_to_table(transform, '|') s
     where not exists (select from tideway.builtin_transforms() b where b.name = pg_catalog.split_part(s, ':', 1)))
$$;

comment on function tideway_private.has_user_sql(text) is
  'Whether a transform calls a function that is not built in.';
