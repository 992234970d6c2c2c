-- Secrets that an app itself gave out (rotated refresh tokens, webhook secrets); sealed with a key that only daemons have.
set local role tideway_owner;

create table if not exists tideway_private.tokens (
  connection  integer     not null references tideway.connections (number) on delete cascade,
  org_id      text        not null,
  name        text        not null,
  sealed      text        not null check (sealed like 'sealed:v1:%'),
  stored_at   timestamptz not null default clock_timestamp(),
  primary key (connection, name)
);

reset role;
