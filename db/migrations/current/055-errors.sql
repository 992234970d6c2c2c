-- What errors and requests need beside 050: runs that wait for the daemon, and records that have no id.
set local role tideway_owner;

-- SQL asks for a run and the daemon starts it, so a run waits as 'pending' between the two.
alter table tideway.sync_runs drop constraint if exists sync_runs_status_check;
alter table tideway.sync_runs add constraint sync_runs_status_check
  check (status in ('pending', 'running', 'completed', 'completed_with_errors', 'failed', 'interrupted', 'cancelled'));
alter table tideway.sync_runs drop constraint if exists sync_runs_ended_when_not_running;
alter table tideway.sync_runs add constraint sync_runs_ended_when_not_running
  check ((status in ('pending', 'running')) = (completed_at is null));

-- A record without any id is told from its neighbours by its position only.
drop index if exists tideway.sync_errors_open_idx;
create unique index sync_errors_open_idx on tideway.sync_errors
  (mapping_id, direction, (coalesce(remote_id, local_key, '')),
   (case when remote_id is null and local_key is null then coalesce("row", 0) else 0 end),
   (coalesce("column", '')), code)
  where resolved_at is null;

reset role;
