create or replace function tideway.add_pattern_to_sync_list(
  pattern          text,
  mapping          text,
  target_platform  text,
  sync_mode        text default 'delta',
  row_limit        integer default 10000,
  note             text[] default '{}',
  priority         integer default 0
)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_mapping  tideway.mappings := tideway_private.named_mapping(add_pattern_to_sync_list.mapping);
  v_filter   jsonb;
  v_system   text;
  v_items    jsonb;
  v_unknown  text;
begin
  select p.filter_config into v_filter from tideway.saved_search_patterns p
   where p.name = add_pattern_to_sync_list.pattern order by p.user_id is null, p.created_at limit 1;
  if not found then
    raise exception 'There is no pattern "%".', add_pattern_to_sync_list.pattern
      using errcode = 'TWPAT', hint = 'List them with: select name, filter_config from tideway.saved_search_patterns;';
  end if;
  if v_mapping.item_type is null then
    raise exception 'The mapping "%" has no item type, so its records are no items of a list.', v_mapping.name
      using errcode = 'TWLST', hint = 'Map it with the option {"item_type": "product"}.';
  end if;
  select c.system into v_system from tideway.connections c where c.id = v_mapping.connection_id;

  select n into v_unknown from unnest(add_pattern_to_sync_list.note) n
   where not exists (select from tideway_private.table_columns(v_mapping.local_table) c where c.name = n) limit 1;
  if found then
    raise exception 'note names the column "%", which % does not have.', v_unknown, v_mapping.local_name
      using errcode = 'TWLST', hint = 'Name columns whose values help people to know the item, such as its name.';
  end if;

  execute format(
    'select jsonb_agg(jsonb_build_object(''source_id'', x.remote_id, ''metadata'', x.metadata)) from (
       select l.remote_id, %s as metadata from %s r
         join tideway_private.links l on l.mapping = %s and l.local_key = %s
        where l.remote_id is not null and l.local_gone_at is null and l.remote_gone_at is null and (%s)
        order by l.remote_id limit %s) x',
    tideway_private.object_expression(array(select format('%L, r.%I', n, n) from unnest(add_pattern_to_sync_list.note) n)),
    v_mapping.local_table, v_mapping.number, tideway_private.key_expression('r', v_mapping.key_columns),
    tideway_private.pattern_predicate(v_filter,
      (select jsonb_agg(jsonb_build_object('local', c.local, 'remote', c.remote, 'field', c.field, 'local_type', c.local_type))
         from tideway.mapping_columns c where c.mapping_id = v_mapping.id), 'r'),
    greatest(add_pattern_to_sync_list.row_limit, 0))
    into v_items;

  return tideway_private.put_on_list(v_mapping.item_type, v_system, add_pattern_to_sync_list.target_platform, coalesce(v_items, '[]'),
                                     add_pattern_to_sync_list.sync_mode, null, add_pattern_to_sync_list.priority, null, v_filter);
end;
$$;

comment on function tideway.add_pattern_to_sync_list(text, text, text, text, integer, text[], integer) is
'Puts the rows of a mapping that a saved pattern matches on the sync list; returns how many. The caller needs the right to read the table.

note names columns whose values are kept in the items'' metadata, for people who read the list.

  select tideway.add_pattern_to_sync_list(''Active Electronics'', ''netsuite_products'', ''shopify'', note => ''{name,sku,price}'');';
