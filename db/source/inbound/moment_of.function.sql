create or replace function tideway_private.moment_of(value text)
returns timestamptz
language plpgsql
stable
strict
set search_path = ''
set timezone = 'UTC'
as $$
begin
  return value::timestamptz;
exception when data_exception then
  return null;
end;
$$;

comment on function tideway_private.moment_of(text) is
  'A moment that an app gave, or null when it cannot be read; a moment without a zone is UTC.';
