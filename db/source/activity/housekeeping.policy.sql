drop policy if exists seen_by_everybody on tideway_private.housekeeping;
create policy seen_by_everybody on tideway_private.housekeeping for select using (true);
