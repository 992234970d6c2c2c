create or replace function tideway_private.protect(target regclass, by_user boolean default false)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_partition boolean;
  v_org       boolean;
  v_private   boolean;
  v_policy    name;
begin
  select c.relispartition, c.relnamespace = 'tideway_private'::regnamespace,
         exists (select from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped)
    into v_partition, v_private, v_org
    from pg_catalog.pg_class c
   where c.oid = target;

  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);

  for v_policy in
    select p.polname from pg_catalog.pg_policy p where p.polrelid = target and p.polname like 'for\_%'
  loop
    execute format('drop policy %I on %s', v_policy, target);
  end loop;

  -- Forced, because definer functions run as the owner; with this policy they see what they must, and nobody else inherits it.
  execute format('create policy for_owner on %s to tideway_owner using (true) with check (true)', target);

  -- A partition is reached through its parent only.
  if v_partition then
    execute format('revoke all on %s from public, tideway_reader, tideway_operator, tideway_monitor, tideway_daemon', target);
    return;
  end if;

  execute format('create policy for_daemon on %s to tideway_daemon using (true) with check (true)', target);
  if v_org then
    execute format('create policy for_monitor on %s for select to tideway_monitor using (true)', target);
    execute format('create policy for_organisation on %s using (%2$s) with check (%2$s)', target,
      'org_id = (select tideway.current_org_id())'
      || case when by_user then ' and (user_id is null or user_id = (select tideway.current_user_id()))' else '' end);
  elsif not v_private or target = 'tideway_private.positions'::regclass then
    execute format('create policy for_everybody on %s for select using (true)', target);
  end if;
end;
$$;

comment on function tideway_private.protect(regclass, boolean) is
'Turns row security on, also for the owner, and makes the policies of a table; a partition stays closed but through its parent.

Called for every table whenever the source is applied, and for each partition when it is made.';
