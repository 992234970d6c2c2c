create or replace function tideway_private.problem_of(state text, message text, detail text, column_name text, constraint_name text)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  -- The detail of a constraint error holds the row's values: it goes into the error row only, never into a log.
  select pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
    'class', case
               when state in ('55P03', '40P01', '40001', '57014') then 'DATABASE_ERROR'
               when state like '22%' or state like '23%' then 'VALIDATION_ERROR'
               when state like 'P0%' or state like '38%' then 'VALIDATION_ERROR'
               else 'DATABASE_ERROR' end,
    'code', case
              when state in ('55P03', '40P01', '40001', '57014') then 'LOCKED'
              when state = '23505' then 'CONSTRAINT_UNIQUE'
              when state = '23502' then 'CONSTRAINT_NOT_NULL'
              when state = '23514' then 'CONSTRAINT_CHECK'
              when state = '23503' then 'CONSTRAINT_FK'
              when state = '23P01' then 'CONSTRAINT_EXCLUSION'
              when state = '22003' then 'NUMERIC_OUT_OF_RANGE'
              when state in ('22007', '22008') then 'DATE_OUT_OF_RANGE'
              when state in ('22001') then 'VALUE_TOO_LONG'
              when state in ('22021', '22P05') then 'INVALID_CHARACTER'
              when state = '42501' then 'PERMISSION_DENIED'
              when state like 'P0%' then 'REFUSED_BY_TRIGGER'
              when state like '22%' then 'VALIDATION_ERROR'
              else 'INTERNAL' end,
    'message', case when state = '23502' and column_name is not null then pg_catalog.format('Missing required field ''%s''', column_name) else message end,
    'column', nullif(column_name, ''),
    'details', pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                 'sqlstate', state, 'constraint', nullif(constraint_name, ''), 'detail', nullif(detail, '')))))
$$;

comment on function tideway_private.problem_of(text, text, text, text, text) is
  'An error of the database, worded as an error of a row: class, stable code, message and column.';
