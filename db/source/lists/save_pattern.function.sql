create or replace function tideway.save_pattern(
  name           text,
  filter_config  jsonb,
  direction      text default 'bidirectional',
  description    text default null
)
returns uuid
language sql
volatile
set search_path = ''
as $$
  insert into tideway.saved_search_patterns as p (name, filter_config, direction, description)
  values (save_pattern.name, save_pattern.filter_config, save_pattern.direction, save_pattern.description)
  on conflict on constraint saved_search_patterns_name_once do update
     set filter_config = excluded.filter_config,
         direction = excluded.direction,
         description = coalesce(excluded.description, p.description)
  returning p.id
$$;

comment on function tideway.save_pattern(text, jsonb, text, text) is
'Saves a filter under a name, or replaces the one of that name; returns its id. Mappings that use it look at their rows again.

  select tideway.save_pattern(''Active Electronics'', ''{"status": ["active"], "category": "Electronics", "priceMin": 10}'', ''netsuite-to-shopify'');';
