create or replace function tideway_private.carry_out_choice(mapping integer, args jsonb, who text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_conflict  tideway.conflicts;
  v_field     text;
begin
  update tideway.conflicts c
     set resolution = args ->> 'choice',
         resolved_value = case args ->> 'choice' when 'remote' then c.remote_value when 'local' then c.local_value else args -> 'value' end,
         resolved_at = clock_timestamp(),
         resolved_by = who
   where c.id = (args ->> 'conflict')::uuid and c.resolved_at is null
  returning c.* into v_conflict;
  if not found then
    return;
  end if;
  select m.field into v_field from tideway.mapping_columns m where m.mapping_id = v_conflict.mapping_id and m.local = v_conflict."column";

  -- The merge carries the choice out when the record has been read again: the present values count, not those of the conflict.
  update tideway_private.links l
     set decisions = coalesce(l.decisions, '{}') || jsonb_build_object(v_field, jsonb_strip_nulls(jsonb_build_object('choice', args ->> 'choice'))
                     || case when args ? 'value' then jsonb_build_object('value', args -> 'value') else '{}' end)
   where l.id = v_conflict.link_id;
  if not exists (select from tideway.conflicts c where c.link_id = v_conflict.link_id and c.resolved_at is null) then
    delete from tideway_private.waiting w
     where w.mapping = carry_out_choice.mapping and w.local_key = v_conflict.local_key and w.reason = 'conflict';
  end if;
  insert into tideway_private.rereads as r (mapping, remote_id, org_id, reason, compare)
  select carry_out_choice.mapping, v_conflict.remote_id, v_conflict.org_id, 'decision', true
   where v_conflict.remote_id is not null
  on conflict on constraint rereads_pkey do update set due_at = clock_timestamp(), compare = true;
end;
$$;

comment on function tideway_private.carry_out_choice(integer, jsonb, text) is
  'Stores what a person decided about a conflict and lets the row go on.';
