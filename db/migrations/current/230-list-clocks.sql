set local role tideway_owner;

-- The app's own time of change, so that no clock of ours is compared with it.
alter table tideway.sync_list add column if not exists source_changed_at timestamptz;

reset role;
