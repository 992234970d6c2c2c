comment on table tideway.remote_tables is
  'The tables of each app, as discover last found them.';
comment on column tideway.remote_tables.org_id is 'The organisation of the connection.';
comment on column tideway.remote_tables.connection_id is 'The account that has the table.';
comment on column tideway.remote_tables.name is 'The name that map takes: the app''s id of the table where it has one.';
comment on column tideway.remote_tables.title is 'What people call it in the app, when that differs.';
comment on column tideway.remote_tables.capabilities is 'What the table allows: create, update, delete, changes, findBy.';
comment on column tideway.remote_tables.read_at is 'When it was last read.';
comment on column tideway.remote_tables.missing_since is 'Since when the app shows it no more; null while it does.';
