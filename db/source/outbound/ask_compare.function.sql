create or replace function tideway_private.ask_compare(relations oid[], doubt text, links boolean default true)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_count  integer;
begin
  perform tideway_private.bump_reads(relations);
  -- A newer doubt takes the place of an older one: its walk has to begin again anyway.
  delete from tideway_private.requests r
   using tideway.mappings m
   where r.kind = 'compare'
     and m.number = r.mapping
     and (relations is null or m.local_table = any (relations));

  -- A transaction that is in the log already may be in no snapshot yet; the walk waits until all up to this one are.
  insert into tideway_private.requests (org_id, kind, mapping, connection, args)
  select m.org_id, 'compare', m.number, c.number,
         jsonb_build_object('doubt', doubt, 'after_xid', pg_current_xact_id()::text, 'links', links)
    from tideway.mappings m
    join tideway.connections c on c.id = m.connection_id
   where m.activated_at is not null
     and m.state in ('pending', 'active', 'paused')
     and m.direction in ('push', 'both')
     -- Before the first complete read nothing may be created there, so there is nothing to find.
     and (m.first_read_at is not null or m.direction = 'push' and m.match_on is null)
     and (relations is null or m.local_table = any (relations))
   order by m.number;
  get diagnostics v_count = row_count;

  insert into tideway.sync_activity_log (org_id, mapping_id, connection_id, entity_type, action, status, message, metadata)
  select m.org_id, m.id, m.connection_id, m.local_name, 'compare', 'started',
         format('All rows are compared with the app''s last known state: %s.', doubt), jsonb_build_object('doubt', doubt)
    from tideway.mappings m
   where m.activated_at is not null
     and m.state in ('pending', 'active', 'paused')
     and m.direction in ('push', 'both')
     and (relations is null or m.local_table = any (relations));
  perform pg_notify('tideway_requests', '');
  return v_count;
end;
$$;

comment on function tideway_private.ask_compare(oid[], text, boolean) is
'Has the owners compare every row of these tables (null: of all) with its link, and says in the log which doubt is the reason.

Without links, rows that are gone are left alone: a partition was detached, and that deletes nothing.';
