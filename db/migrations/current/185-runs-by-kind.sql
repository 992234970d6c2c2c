set local role tideway_owner;

-- They return more than before.
drop function if exists tideway_private.pull_mappings(integer);
drop function if exists tideway_private.push_mappings(integer);
drop function if exists tideway_private.daemon_connections();

-- Sweeps and other reads of everything are found among thousands of polls, at every scrape.
create index if not exists sync_runs_whole_idx on tideway.sync_runs (mapping_id, kind, started_at desc)
  where kind in ('sweep', 'full', 'backfill');

reset role;
