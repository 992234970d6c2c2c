set local role tideway_owner;

-- The app's own revision mark of the record as it was last shown; a write is made conditional on it where the app can.
alter table tideway_private.links add column if not exists version text;

reset role;
