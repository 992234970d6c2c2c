create or replace function tideway_private.runner_source()
returns text
language sql
immutable
set search_path = ''
as $$
  select 'begin return query execute statement using ords, keys, vals; end'
$$;

comment on function tideway_private.runner_source() is
  'The body of every function in schema tideway_run; the engine calls none with another body.';
