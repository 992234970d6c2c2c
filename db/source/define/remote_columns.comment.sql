comment on table tideway.remote_columns is
  'The columns of each app''s tables, as discover last found them.';
comment on column tideway.remote_columns.org_id is 'The organisation of the connection.';
comment on column tideway.remote_columns.connection_id is 'The account that has the column.';
comment on column tideway.remote_columns.remote_table is 'The table of the app.';
comment on column tideway.remote_columns.name is 'The name that a mapped column takes as remote.';
comment on column tideway.remote_columns.title is 'What people call it in the app, when that differs.';
comment on column tideway.remote_columns.type is 'The type that its values have here.';
comment on column tideway.remote_columns.app_type is 'The app''s own word for the type.';
comment on column tideway.remote_columns.writable is 'Whether anything can be pushed into it.';
comment on column tideway.remote_columns.required is 'Whether the app wants a value in new records.';
comment on column tideway.remote_columns.ordinal is 'Its place among the columns.';
comment on column tideway.remote_columns.read_at is 'When it was last read.';
comment on column tideway.remote_columns.missing_since is 'Since when the app shows it no more; null while it does.';
