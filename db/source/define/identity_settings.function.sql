create or replace function tideway_private.identity_settings(config jsonb)
returns text
language sql
immutable
set search_path = ''
as $$
  -- The settings that say which host and which account, by the words that apps have for them.
  select coalesce(pg_catalog.string_agg(format('%s=%s', e.key, e.value), ' ' order by e.key collate "C"), '')
    from pg_catalog.jsonb_each(config) e
   where pg_catalog.regexp_replace(pg_catalog.lower(e.key), '[^a-z]', '', 'g')
         ~ '(url|host|domain|endpoint|shop|store|site|account|tenant|realm|organi[sz]ation|workspace|database|^db|appid|baseid|spreadsheet|sheetid|username|login|email|^user$)'
$$;

comment on function tideway_private.identity_settings(jsonb) is
  'The part of a connection''s settings that decides where requests go and whose account they reach.';
