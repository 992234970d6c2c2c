create or replace function tideway_private.pull_text(value text, type text, local_type text)
returns text
language sql
stable
set search_path = ''
as $$
  -- The text that is then read by the column type's own input function.
  select case
           when local_type in ('jsonb', 'json') then pg_catalog.format('(nullif(%s, ''null''))::text', value)
           when local_type like '%[]' then tideway_private.array_text(value)
           when type in ('array', 'json') and local_type in ('text', 'character varying') then pg_catalog.format('(nullif(%s, ''null'')) #>> ''{}''', value)
           when local_type in ('text', 'citext') or local_type like 'character%' then pg_catalog.format('(%s) #>> ''{}''', value)
           else pg_catalog.format('nullif(pg_catalog.btrim((%s) #>> ''{}''), '''')', value)
         end
$$;

comment on function tideway_private.pull_text(text, text, text) is
  'The SQL that turns a jsonb expression into the text that a column type can read; blank text is null but for text columns.';
