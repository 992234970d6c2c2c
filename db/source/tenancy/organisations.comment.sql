comment on table tideway.organisations is
  'The organisations that share this database; each sees its own rows only. A database that never named one has the organisation default.';
comment on column tideway.organisations.org_id is 'The name by which claims, tideway.org_id and tideway.members mean the organisation.';
comment on column tideway.organisations.timezone is 'The zone in which its schedules run and its days begin.';
comment on column tideway.organisations.created_at is 'When it was first named.';
