create or replace function tideway_private.base_type(local_type text)
returns text
language sql
stable
set search_path = ''
as $$
  -- Without length or precision; a domain stands for what it is made of.
  with recursive t as (
    select pg_catalog.to_regtype(pg_catalog.regexp_replace(local_type, '\([^)]*\)', ''))::oid as oid
    union all
    select y.typbasetype from t join pg_catalog.pg_type y on y.oid = t.oid where y.typtype = 'd'
  )
  select pg_catalog.format_type(t.oid, null)
    from t join pg_catalog.pg_type y on y.oid = t.oid
   where y.typtype <> 'd'
$$;

comment on function tideway_private.base_type(text) is
  'The plain type behind a column type: no modifier, no domain; null when there is no such type.';
