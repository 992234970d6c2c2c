create or replace function tideway_private.tg_field_lineage__insert()
returns trigger
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
  new.id := coalesce(new.id, gen_random_uuid());
  new.org_id := coalesce(new.org_id, tideway.current_org_id());
  -- A definer, because nobody but the engine may write the stored lineage; so the organisation is checked here.
  if new.org_id is distinct from tideway.current_org_id() then
    perform tideway_private.raise_foreign_organisation(new.org_id);
  end if;
  new.source_type := coalesce(new.source_type, 'app');
  new.changed_at := coalesce(new.changed_at, clock_timestamp());
  if new.source_type = 'app' then
    new.changed_by := coalesce(new.changed_by, tideway.current_user_id(), session_user);
  end if;
  insert into tideway_private.field_lineage
    (id, org_id, entity_type, entity_id, field_name, source_type, source_id, source_ref, previous_value, new_value, sync_run_id, changed_by, changed_at)
  values
    (new.id, new.org_id, new.entity_type, new.entity_id, new.field_name, new.source_type, new.source_id, new.source_ref,
     new.previous_value, new.new_value, new.sync_run_id, new.changed_by, new.changed_at);
  return new;
end;
$$;

comment on function tideway_private.tg_field_lineage__insert() is
  'Stores a row inserted into the view field_lineage, with the organisation and the person who insert it.';
