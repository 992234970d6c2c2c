-- Organisations, their members, and the logins whose claims are believed.
set local role tideway_owner;

create table if not exists tideway.organisations (
  org_id      text        primary key check (org_id <> ''),
  timezone    text        not null default 'UTC',
  created_at  timestamptz not null default now()
);

insert into tideway.organisations (org_id) values ('default') on conflict do nothing;

create table if not exists tideway.members (
  login    name not null,
  org_id   text not null references tideway.organisations on update cascade,
  user_id  text,
  constraint members_one_org_per_login primary key (login)
);

create table if not exists tideway_private.trusted_logins (
  login  name primary key
);

reset role;
