set local role tideway_owner;

-- Sweeps and other reads of everything are found among thousands of polls, at every scrape.
create index if not exists sync_runs_whole_idx on tideway.sync_runs (mapping_id, kind, started_at desc)
  where kind in ('sweep', 'full', 'backfill');

reset role;
