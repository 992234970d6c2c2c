create or replace function tideway_private.array_text(value text)
returns text
language sql
immutable
set search_path = ''
as $$
  -- Written out in full: the statement runs as the mapping's own role, which reaches no function of ours.
  select pg_catalog.format(
    'case coalesce(pg_catalog.jsonb_typeof(%1$s), ''null'')'
    ' when ''array'' then array(select pg_catalog.jsonb_array_elements_text(%1$s))::text'
    ' when ''null'' then null'
    ' when ''string'' then case when (%1$s) #>> ''{}'' = '''' then null else array[(%1$s) #>> ''{}'']::text end'
    ' else array[(%1$s)::text]::text end', value)
$$;

comment on function tideway_private.array_text(text) is
  'The SQL that turns a JSON list into the text of a PostgreSQL array; a single value becomes a list of one.';
