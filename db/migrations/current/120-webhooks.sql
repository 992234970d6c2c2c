-- The HTTP door: where an app rings, with what it proves itself, what it said, and what we asked it to tell us.
set local role tideway_owner;

-- While a secret is exchanged, the app may still sign with the older one.
alter table tideway_private.tokens add column if not exists version integer not null default 1;
alter table tideway_private.tokens drop constraint if exists tokens_pkey;
alter table tideway_private.tokens add constraint tokens_pkey primary key (connection, name, version);

-- When a record was named: a read that was asked for earlier does not settle it.
alter table tideway_private.rereads add column if not exists named bigint not null default 0;

create table if not exists tideway_private.webhook_tokens (
  connection  integer     primary key references tideway.connections (number) on delete cascade,
  org_id      text        not null,
  token       text        not null check (token ~ '^[0-9a-f]{64}$'),
  made_at     timestamptz not null default clock_timestamp()
);

-- By its digest, so that the time of a look-up tells nothing about a token.
create unique index if not exists webhook_tokens_digest_idx on tideway_private.webhook_tokens (sha256(token::bytea));

create table if not exists tideway_private.webhook_secrets (
  connection  integer     not null references tideway.connections (number) on delete cascade,
  version     integer     not null,
  org_id      text        not null,
  secret      text        not null,
  stored_at   timestamptz not null default clock_timestamp(),
  primary key (connection, version),
  constraint webhook_secrets_is_a_reference
    check (secret ~ '^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^[:cntrl:]]+|vault:[^[:cntrl:]]+|sealed:v1:[A-Za-z0-9_:+/=.-]+)$')
);

create table if not exists tideway_private.inbox (
  connection   integer     not null references tideway.connections (number) on delete cascade,
  delivery_id  text        collate "C" not null,
  org_id       text        not null,
  changed      jsonb       not null check (jsonb_typeof(changed) = 'array'),
  received_at  timestamptz not null default clock_timestamp(),
  settled_at   timestamptz,
  primary key (connection, delivery_id)
);

create index if not exists inbox_waiting_idx on tideway_private.inbox (received_at) where settled_at is null;
create index if not exists inbox_received_at_idx on tideway_private.inbox (received_at);

create table if not exists tideway_private.subscriptions (
  connection  integer     primary key references tideway.connections (number) on delete cascade,
  org_id      text        not null,
  url         text        not null,
  tables      text[]      not null,
  -- What the connector returned; null before the first success.
  known       jsonb,
  expires_at  timestamptz,
  due_at      timestamptz not null,
  attempts    integer     not null default 0,
  problem     text,
  kept_at     timestamptz
);

create table if not exists tideway_private.door (
  is_only     boolean     primary key default true check (is_only),
  public_url  text,
  opened_at   timestamptz not null default clock_timestamp()
);

reset role;
