create or replace function tideway_private.mapping_options()
returns table (name text, kind text, otherwise jsonb, rule text, description text)
language sql
immutable
set search_path = ''
as $$
  values
    ('filter', 'filter', null::jsonb, null, 'Which rows are kept in step: a SQL predicate over the row, "list", or {"local": SQL, "remote": the app''s filter, "pattern": name, "list": true}.'),
    ('on_filter_exit', 'choice', '"keep"', 'keep|delete', 'What happens on the other side to a row that leaves the filter.'),
    ('schedule', 'schedule', null, null, 'When to poll: an interval such as "5 min", five cron fields, or manual; every minute when left out.'),
    ('sweep_schedule', 'schedule', null, null, 'When to compare everything; 02:00 in the organisation''s zone when left out; manual is never.'),
    ('windows', 'windows', null, null, 'Times of day, in the organisation''s zone, in which the mapping is polled and pushed, for instance [{"days": "1-5", "from": "08:00", "to": "18:00"}].'),
    ('settle', 'interval', '"00:00:00"', '>= 0', 'How long a row must rest before it is pushed.'),
    ('on_remote_delete', 'delete', '"delete"', null, 'ignore, delete, or soft_delete:column, when a record is gone in the app.'),
    ('on_local_delete', 'delete', '"delete"', null, 'ignore, delete, or soft_delete:column, when a row is gone here.'),
    ('on_detach', 'choice', '"ignore"', 'ignore|delete', 'What a detached partition means for its rows in the app.'),
    ('max_delete_ratio', 'number', '0.2', '0..1', 'More deletions than this share wait for approval.'),
    ('match_on', 'names', null, '2', 'One or two local columns by which existing rows and records are matched at first sync.'),
    ('max_attempts', 'integer', '8', '1..1000', 'Tries of a row before it counts as failed.'),
    ('retry_base', 'interval', '"00:00:01"', '> 0', 'The first wait before a retry.'),
    ('retry_cap', 'interval', '"00:05:00"', '> 0', 'The longest wait before a retry.'),
    ('priority', 'integer', '0', '-1000000..1000000', 'Which mapping wins a field that several cover; the higher one.'),
    ('after_run', 'function', null, null, 'A SQL function that is called after each run that changed something.'),
    ('invalidate', 'caches', null, null, 'Names of read caches and URLs that are told when the app changed rows here.'),
    ('read', 'read', null, null, 'Serves the table over HTTP from a cache: {"name": "...", "key": "column", "ttl": "1 h"}.'),
    ('item_type', 'text', null, null, 'What a row is on the sync list: product, order, inventory.'),
    ('lineage', 'boolean', 'true', null, 'Whether to record where each field came from.'),
    ('log_rows', 'boolean', 'false', null, 'Whether to log each written row, not only failed ones.'),
    ('claims', 'object', null, null, 'Settings that triggers of the table find in request.jwt.claims while Tideway writes.'),
    ('shadow', 'boolean', 'false', null, 'Computes and records what it would write, and writes nothing, until tideway.promote(mapping).'),
    ('run_as', 'role', null, null, 'The role that reads and writes the rows; the one that calls map when left out.')
$$;

comment on function tideway_private.mapping_options() is
  'The options of a mapping, with what holds when they are left out.';
