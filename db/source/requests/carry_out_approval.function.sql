create or replace function tideway_private.carry_out_approval(mapping integer, run uuid, who text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_keys  text[];
begin
  with released as (
    update tideway_private.deletions d
       set state = 'released', decided_at = clock_timestamp(), decided_by = coalesce(who, 'somebody')
     where d.mapping = carry_out_approval.mapping
       and d.state = 'held'
       and (carry_out_approval.run is null or d.run_id = carry_out_approval.run)
    returning d.link_id, d.gone_side
  )
  select array_agg(l.local_key) into v_keys
    from released r join tideway_private.links l on l.id = r.link_id
   where r.gone_side = 'local';
  if v_keys is not null then
    perform tideway_private.mark_keys(mapping, v_keys);
  end if;
end;
$$;

comment on function tideway_private.carry_out_approval(integer, uuid, text) is
  'Releases held deletions: rows gone here are marked for the app, records gone there are deleted here by the owner.';
