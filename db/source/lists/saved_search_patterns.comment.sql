comment on table tideway.saved_search_patterns is
'Filters under a name, for mappings and sync lists.';
comment on column tideway.saved_search_patterns.id is 'The pattern.';
comment on column tideway.saved_search_patterns.org_id is 'The organisation.';
comment on column tideway.saved_search_patterns.user_id is 'Whose it is; null for the whole organisation.';
comment on column tideway.saved_search_patterns.name is 'Its name, once per person.';
comment on column tideway.saved_search_patterns.description is 'What it is for.';
comment on column tideway.saved_search_patterns.direction is 'source-to-target, or bidirectional.';
comment on column tideway.saved_search_patterns.filter_config is 'Fields and values: a value, a list, fieldMin, fieldMax, fieldAfter, fieldBefore.';
comment on column tideway.saved_search_patterns.created_at is 'When it was saved.';
comment on column tideway.saved_search_patterns.updated_at is 'When it was last changed.';
