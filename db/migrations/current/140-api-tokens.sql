-- Who may come in through the HTTP door.
set local role tideway_owner;

create table if not exists tideway_private.api_tokens (
  id          uuid        primary key default gen_random_uuid(),
  -- Null: a token of the whole system.
  org_id      text        references tideway.organisations,
  name        text        not null check (name <> '' and octet_length(name) <= 63),
  role        name        not null,
  digest      bytea       not null unique,
  created_by  text,
  created_at  timestamptz not null default clock_timestamp(),
  expires_at  timestamptz,
  constraint api_tokens_name_unique_in_org unique nulls not distinct (org_id, name)
);

reset role;
