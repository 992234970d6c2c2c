-- What reading needs: a place of its own for a read of everything, so that polls go on beside a sweep, and when what is due.
set local role tideway_owner;

alter table tideway_private.cursors add column if not exists kind text not null default 'changes' check (kind in ('changes', 'whole'));
alter table tideway_private.cursors add column if not exists generation integer not null default 0;
alter table tideway_private.cursors drop constraint if exists cursors_pkey;
alter table tideway_private.cursors add constraint cursors_pkey primary key (mapping, kind);

create table if not exists tideway_private.due_reads (
  mapping     integer     not null references tideway.mappings (number) on delete cascade,
  kind        text        not null check (kind in ('poll', 'sweep')),
  org_id      text        not null,
  -- The schedule, windows and zone from which the moment was computed; another definition is planned anew.
  definition  text        not null,
  due_at      timestamptz not null,
  trigger     text        not null default 'scheduled' check (trigger in ('scheduled', 'webhook')),
  primary key (mapping, kind)
);

drop function if exists tideway_private.take_requests(integer, bigint, integer);

reset role;
