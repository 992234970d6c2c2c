comment on table tideway.connections is
  'The accounts of apps that are kept in step. Written by connect, pause_connection, resume_connection and disconnect.';
comment on column tideway.connections.id is 'Names the connection for ever.';
comment on column tideway.connections.number is 'The short number that the workings use.';
comment on column tideway.connections.org_id is 'The organisation that it belongs to.';
comment on column tideway.connections.name is 'The name that functions take; unique in the organisation.';
comment on column tideway.connections.system is 'The kind of app.';
comment on column tideway.connections.config is 'Its settings; never a secret.';
comment on column tideway.connections.has_secret is 'Whether a reference to a secret is kept; where it points is not shown.';
comment on column tideway.connections.state is 'active; paused by a person; unauthorized when the app refused the secret.';
comment on column tideway.connections.paused_at is 'Since when it has been stopped.';
comment on column tideway.connections.paused_reason is 'Why it was stopped.';
comment on column tideway.connections.tested_at is 'When the app was last asked whether the connection works.';
comment on column tideway.connections.test_error is 'What was wrong at that time; null when it worked.';
comment on column tideway.connections.account is 'The account that the secret opens, as the app names it; the connection is pinned to it.';
comment on column tideway.connections.created_by is 'Who defined it.';
comment on column tideway.connections.created_at is 'When it was defined.';
comment on column tideway.connections.updated_at is 'When it last changed.';
