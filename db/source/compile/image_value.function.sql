create or replace function tideway_private.image_value(image text, field text, local_type text)
returns text
language sql
stable
set search_path = ''
as $$
  select case
           when base like '%[]' then pg_catalog.format('(%s)::%s', tideway_private.array_text(pg_catalog.format('(%s -> %L)', image, field)), local_type)
           when base in ('jsonb', 'json') then pg_catalog.format('nullif(%s -> %L, ''null'')::%s', image, field, local_type)
           else pg_catalog.format('(%s ->> %L)::%s', image, field, local_type)
         end
    from (select tideway_private.base_type(local_type) as base) as t
$$;

comment on function tideway_private.image_value(text, text, text) is
  'The SQL that takes a column''s value out of an image, typed as the column is.';
