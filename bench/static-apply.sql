-- The yardstick of apply.mjs: the same validation, links and lineage for one table, written by hand, without the engine.
create table app.items_static (like app.items including all);
create table app.links_static (like tideway_private.links including all);
create table app.lineage_static (like tideway_private.field_lineage including all);

create function app.apply_static(records text)
returns jsonb
language plpgsql
set search_path = ''
set timezone = 'UTC'
as $$
declare
  v_new     integer;
  v_changed integer;
begin
  create temp table if not exists page_static (
    id text, k bigint, name text, price numeric(10, 2), active boolean, made date, seen timestamptz, tags text[], note text
  ) on commit delete rows;
  insert into page_static
  select r.id,
         case when pg_input_is_valid(r.key, 'bigint') then r.key::bigint end,
         r.name,
         case when pg_input_is_valid(r.price, 'numeric(10,2)') then r.price::numeric(10, 2) end,
         case when pg_input_is_valid(r.active, 'boolean') then r.active::boolean end,
         case when pg_input_is_valid(r.made, 'date') then r.made::date end,
         case when pg_input_is_valid(r.seen, 'timestamptz') then r.seen::timestamptz end,
         array(select jsonb_array_elements_text(r.tags)),
         r.note
    from (select rec ->> 'id' as id, f ->> 'Id' as key, f ->> 'Name' as name, f ->> 'Price' as price, f ->> 'Active' as active,
                 f ->> 'Made' as made, f ->> 'Seen' as seen, f -> 'Tags' as tags, f ->> 'Note' as note
            from (select l.line::jsonb as rec from string_to_table(records, E'\n') as l (line) offset 0) as x
           cross join lateral (select x.rec -> 'fields' as f offset 0) as y) as r;
  analyze pg_temp.page_static;

  with fresh as (
    select p.* from pg_temp.page_static p left join app.items_static t on t.id = p.k where t.id is null
  ), inserted as (
    insert into app.items_static select k, name, price, active, made, seen, tags, note from fresh returning id
  ), linked as (
    insert into app.links_static (mapping, org_id, local_key, remote_id, lane, local_image, remote_diff, touched_at, synced_at)
    select 1, 'default', k::text, id, 0,
           jsonb_build_object('id', k, 'name', name, 'price', price, 'active', active, 'made', made, 'seen', seen, 'tags', tags, 'note', note),
           '{}', 0, clock_timestamp()
      from fresh
    returning 1
  ), traced as (
    insert into app.lineage_static (org_id, mapping, entity_type, entity_id, field_name, source_type, source_ref, new_value)
    select 'default', 1, 'items', k::text, '*', 'shopify', 'Items',
           jsonb_build_object('id', k, 'name', name, 'price', price, 'active', active, 'made', made, 'seen', seen, 'tags', tags, 'note', note)
      from fresh
    returning 1
  )
  select count(*) into v_new from inserted;

  with changed as (
    select p.*, t.name as old_name, t.price as old_price, t.active as old_active, t.made as old_made, t.seen as old_seen,
           t.tags as old_tags, t.note as old_note
      from pg_temp.page_static p
      join app.items_static t on t.id = p.k
     where (p.name, p.price, p.active, p.made, p.seen, p.tags, p.note)
           is distinct from (t.name, t.price, t.active, t.made, t.seen, t.tags, t.note)
  ), updated as (
    update app.items_static t
       set name = c.name, price = c.price, active = c.active, made = c.made, seen = c.seen, tags = c.tags, note = c.note
      from changed c
     where t.id = c.k
    returning t.id
  ), linked as (
    update app.links_static l
       set local_image = jsonb_build_object('id', k, 'name', name, 'price', price, 'active', active, 'made', made, 'seen', seen,
                                            'tags', tags, 'note', note),
           synced_at = clock_timestamp()
      from changed c
     where l.mapping = 1 and l.remote_id = c.id
    returning 1
  ), traced as (
    insert into app.lineage_static (org_id, mapping, entity_type, entity_id, field_name, source_type, source_ref, previous_value, new_value)
    select 'default', 1, 'items', c.k::text, v.field, 'shopify', 'Items', v.old, v.new
      from changed c
     cross join lateral (values
       ('name', to_jsonb(old_name), to_jsonb(name)), ('price', to_jsonb(old_price), to_jsonb(price)),
       ('active', to_jsonb(old_active), to_jsonb(active)), ('made', to_jsonb(old_made), to_jsonb(made)),
       ('seen', to_jsonb(old_seen), to_jsonb(seen)), ('tags', to_jsonb(old_tags), to_jsonb(tags)),
       ('note', to_jsonb(old_note), to_jsonb(note))) as v (field, old, new)
     where v.old is distinct from v.new
    returning 1
  )
  select count(*) into v_changed from updated;
  return jsonb_build_object('created', v_new, 'updated', v_changed);
end;
$$;
