drop policy if exists seen_by_everybody on tideway_private.wal_samples;
create policy seen_by_everybody on tideway_private.wal_samples for select using (true);
