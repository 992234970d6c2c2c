create or replace function tideway_private.take_requests(connection integer, epoch bigint, reads boolean default null, max_rows integer default 100)
returns table (id bigint, kind text, mapping integer, args jsonb, run_id uuid)
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_request  tideway_private.requests;
  v_org      text;
begin
  perform from tideway_private.leases l
    where l.connection = take_requests.connection and l.epoch = take_requests.epoch and l.expires_at > clock_timestamp()
      for key share;
  if not found then
    return;
  end if;

  for v_request in
    select r.* from tideway_private.requests r
     where r.connection = take_requests.connection
       and (reads is null or reads = tideway_private.is_read_request(r.kind))
       -- A read of what is paused waits; a dry run may look at what is not active yet.
       and (reads is distinct from true
            or exists (select from tideway.mappings m join tideway.connections c on c.id = m.connection_id
                        where m.number = r.mapping and c.state = 'active'
                          and (m.state = 'active'
                               or m.state in ('draft', 'pending') and (r.kind = 'preview' or coalesce((r.args ->> 'dry_run')::boolean, false)))))
     order by r.id
     limit max_rows
       for update skip locked
  loop
    v_org := v_request.org_id;
    -- What SQL can do alone is done here; the rest needs the app and goes to the caller, who ends it with finish_request.
    case v_request.kind
      when 'mark' then
        perform tideway_private.mark_keys(v_request.mapping, array(select jsonb_array_elements_text(v_request.args -> 'keys')));
      when 'retry' then
        perform tideway_private.carry_out_retry(v_request.mapping, v_request.args);
      when 'replay' then
        perform tideway_private.carry_out_retry(v_request.mapping, v_request.args, 12::smallint);
      when 'record_errors' then
        perform tideway_private.record_errors(v_request.mapping, v_request.run_id, v_request.args ->> 'direction', v_request.args -> 'errors');
      when 'pause_row' then
        insert into tideway_private.waiting as w (mapping, local_key, org_id, reason, marked)
        values (v_request.mapping, v_request.args ->> 'local_key', v_org, 'paused', false)
        on conflict on constraint waiting_pkey do update set reason = 'paused', due_at = null;
      when 'resume_row' then
        perform tideway_private.carry_out_resume(v_request.mapping, v_request.args ->> 'local_key', v_request.requested_by);
      when 'resolve_conflict' then
        perform tideway_private.carry_out_choice(v_request.mapping, v_request.args, v_request.requested_by);
      when 'reject_deletions' then
        update tideway_private.deletions d
           set state = 'withdrawn', decided_at = clock_timestamp(), decided_by = v_request.requested_by
         where d.mapping = v_request.mapping and d.state = 'held' and (v_request.run_id is null or d.run_id = v_request.run_id);
      when 'approve_deletions' then
        perform tideway_private.carry_out_approval(v_request.mapping, v_request.run_id, v_request.requested_by);
        -- Rows to delete here wait for the owner's next look.
        return query select v_request.id, 'apply_deletions'::text, v_request.mapping, v_request.args, v_request.run_id;
        continue;
      when 'refilter' then
        -- A pattern is part of the compiled SQL; what leaves or enters the filter is found by comparing.
        if v_request.args ->> 'reason' = 'pattern' then
          perform tideway_private.compile(v_request.mapping);
        end if;
        return query select v_request.id, 'compare'::text, v_request.mapping, v_request.args, v_request.run_id;
        continue;
      when 'unmap' then
        -- A batch is still out: its answer has to come first.
        continue when not tideway_private.carry_out_unmap(v_request.mapping, v_request.args);
      when 'promote' then
        -- What a page in shadow passed over was not applied: no page may be under way, and all is read again.
        perform pg_advisory_xact_lock(tideway_private.lock_key('apply'), v_request.mapping);
        update tideway.mappings m set shadow = false, first_read_at = null where m.number = v_request.mapping;
        delete from tideway_private.cursors c where c.mapping = v_request.mapping;
        return query select v_request.id, 'compare'::text, v_request.mapping, v_request.args, v_request.run_id;
        continue;
      else
        return query select v_request.id, v_request.kind, v_request.mapping, v_request.args, v_request.run_id;
        continue;
    end case;
    delete from tideway_private.requests r where r.id = v_request.id;
  end loop;
end;
$$;

comment on function tideway_private.take_requests(integer, bigint, boolean, integer) is
  'Carries out what people asked for that SQL can do alone, and returns the requests that need the app: those that read, those that do not, or all (null).';
