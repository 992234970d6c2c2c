set local role tideway_owner;

-- With the epoch in a key, a renewal does not conflict with the key share locks of running work; a take-over does.
create unique index if not exists leases_connection_epoch_idx on tideway_private.leases (connection, epoch);

reset role;
