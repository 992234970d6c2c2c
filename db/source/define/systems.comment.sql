comment on table tideway.systems is
  'The kinds of app that the daemon speaks to, as it describes them when it starts.';
comment on column tideway.systems.system is 'The name that connect takes.';
comment on column tideway.systems.title is 'What people call it.';
comment on column tideway.systems.settings_schema is 'The settings of a connection, as JSON Schema; connect refuses what does not fit.';
comment on column tideway.systems.types is 'The app''s own types, and what each becomes here.';
comment on column tideway.systems.limits is 'Rows a page, rows a write, requests a second.';
comment on column tideway.systems.capabilities is 'What the app can do: deletes, conditional writes, idempotency keys, changes.';
comment on column tideway.systems.described_at is 'When a daemon last described it.';
