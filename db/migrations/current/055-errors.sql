-- What errors and requests need beside 050: runs that wait for the daemon, and records that have no id.
set local role tideway_owner;

-- SQL asks for a run and the daemon starts it, so a run waits as 'pending' between the two.
alter table tideway.sync_runs drop constraint if exists sync_runs_status_check;
alter table tideway.sync_runs add constraint sync_runs_status_check
  check (status in ('pending', 'running', 'completed', 'completed_with_errors', 'failed', 'interrupted', 'cancelled'));
alter table tideway.sync_runs drop constraint if exists sync_runs_ended_when_not_running;
alter table tideway.sync_runs add constraint sync_runs_ended_when_not_running
  check ((status in ('pending', 'running')) = (completed_at is null));

-- Both sides may count in integers, so a local key and a remote id never stand for the same row by their text alone;
-- a record without either is told from its neighbours by its position.
alter table tideway.sync_errors add column if not exists row_identity text collate "C" generated always as (
  case direction
    when 'push' then coalesce('l' || local_key, 'r' || remote_id, '@' || "row"::text, '')
    else coalesce('r' || remote_id, 'l' || local_key, '@' || "row"::text, '')
  end) stored;

drop index if exists tideway.sync_errors_open_idx;
create unique index sync_errors_open_idx on tideway.sync_errors
  (mapping_id, direction, row_identity, (coalesce("column", '')), code) where resolved_at is null;

reset role;
