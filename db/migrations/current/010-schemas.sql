-- The roles and the two schemas. Roles belong to the whole server: another database may have made them already.
do $$
declare
  wanted text;
begin
  foreach wanted in array array[
    'tideway_owner', 'tideway_daemon', 'tideway_operator', 'tideway_reader', 'tideway_monitor'
  ] loop
    if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
      begin
        execute pg_catalog.format('create role %I nologin', wanted);
      exception
        when duplicate_object or unique_violation then null;
      end;
    end if;
  end loop;
end;
$$;

do $$
begin
  if not pg_catalog.pg_has_role(current_user, 'tideway_owner', 'usage')
    or not exists (
      select from pg_catalog.pg_auth_members
       where roleid = 'tideway_owner'::regrole and member = current_user::regrole
    )
  then
    begin
      execute pg_catalog.format('grant tideway_owner to %I', current_user);
    exception
      when unique_violation then null;
    end;
  end if;
end;
$$;

-- Reading the log needs REPLICATION, which not every migrating role may give away.
do $$
begin
  if not (select rolreplication from pg_catalog.pg_roles where rolname = 'tideway_daemon') then
    alter role tideway_daemon replication;
  end if;
exception
  when insufficient_privilege then
    raise notice 'Role tideway_daemon has no REPLICATION: % may not grant it.', current_user
      using hint = 'Let an administrator run: alter role tideway_daemon replication; '
        'or let the daemon read the log with a login that has it (TIDEWAY_REPLICATION_URL).';
end;
$$;

create schema if not exists tideway authorization tideway_owner;
create schema if not exists tideway_private authorization tideway_owner;

set local role tideway_owner;

comment on schema tideway is 'Keeps tables and apps in step: views to read, functions to call.';
comment on schema tideway_private is 'The workings of Tideway. They may change in any release.';

create table if not exists tideway_private.release (
  id           bigint      generated always as identity primary key,
  version      text        not null,
  source_hash  text        not null,
  migration    text,
  applied_at   timestamptz not null default pg_catalog.clock_timestamp()
);

alter table tideway_private.release enable row level security;

reset role;
