create or replace function tideway_private.check_followed(slot name, publication name)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_publication  record;
  v_table        record;
  v_gone         tideway.mappings;
  v_troubles     jsonb := '[]';
  v_changed      boolean := false;
  v_doubt        text;
  v_links        boolean;
begin
  -- One look at a time: two would ask twice.
  if not pg_try_advisory_xact_lock(tideway_private.lock_key('check followed'), hashtext(slot)) then
    return '{"troubles": [], "changed": false}';
  end if;
  select p.oid, p.puballtables, pg_has_role(current_user, p.pubowner, 'usage') as mine into v_publication
    from pg_catalog.pg_publication p where p.pubname = check_followed.publication;
  if not found and exists (select from tideway_private.followed_tables()) then
    v_troubles := v_troubles || jsonb_build_object('code', 'PUBLICATION_MISSING',
      'message', format('Publication "%s" does not exist, so no change can be followed.', publication),
      'mend', 'Call tideway.activate(…) for each mapping as the owner of its table; it makes the publication again.');
  end if;

  for v_gone in
    select m.* from tideway.mappings m
     where m.state = 'active'
       and not exists (select from pg_catalog.pg_class c where c.oid = m.local_table)
  loop
    perform tideway_private.stop_mapping(v_gone, tideway_private.table_trouble(v_gone));
  end loop;

  for v_table in
    select t.relation, format('%I.%I', t.schema_name, t.table_name) as name, t.key_columns, x.member, x.key_source, x.partitions,
           f.member as old_member, f.key_columns as old_key_columns, f.key_source as old_key_source, f.partitions as old_partitions,
           f.relation is not null as known,
           tideway_private.owns_table(current_user, t.relation::regclass) as owned,
           exists (select from tideway.mappings m where m.local_table = t.relation and m.on_detach = 'delete') as detach_deletes
      from tideway_private.followed_tables() t
     cross join lateral (
       select coalesce(
                (select r.oid from pg_catalog.pg_publication_rel r where r.prpubid = v_publication.oid and r.prrelid = t.relation),
                (select s.oid from pg_catalog.pg_publication_namespace s
                   join pg_catalog.pg_class c on c.relnamespace = s.pnnspid
                  where s.pnpubid = v_publication.oid and c.oid = t.relation),
                case when v_publication.puballtables then v_publication.oid end) as member,
              (select c.relreplident::text from pg_catalog.pg_class c where c.oid = t.relation)
              || coalesce((select string_agg(i.indexrelid::text, ' ' order by i.indexrelid) from pg_catalog.pg_index i
                            where i.indrelid = t.relation and (i.indisprimary or i.indisreplident)), '') as key_source,
              coalesce((select jsonb_object_agg(c.oid::text, c.relfilenode)
                          from pg_catalog.pg_class c
                         where c.oid = any (tideway_private.partitions_of(t.relation)) and c.relkind <> 'p'), '{}') as partitions) x
      left join tideway_private.followed f on f.slot = check_followed.slot and f.relation = t.relation
     order by t.relation
  loop
    if v_table.member is null then
      if v_publication.oid is not null then
        -- pause(…, unpublish => true) takes a table out on purpose.
        if not exists (select from tideway.mappings m where m.local_table = v_table.relation and m.paused_code = 'UNPUBLISHED') then
          v_troubles := v_troubles || jsonb_build_object('code', 'NOT_PUBLISHED',
            'message', format('Table %s is not in publication "%s"; its changes are not seen.', v_table.name, publication),
            'mend', format('alter publication %I add table %s;', publication, v_table.name));
        end if;
      end if;
      continue;
    end if;

    v_doubt := null;
    v_links := true;
    if v_table.known and v_table.member <> v_table.old_member then
      v_doubt := 'the table was out of the publication';
    elsif v_table.known and (v_table.key_source <> v_table.old_key_source or v_table.key_columns <> v_table.old_key_columns) then
      v_doubt := 'its key or replica identity was changed';
    elsif v_table.known and v_table.partitions <> v_table.old_partitions then
      v_doubt := 'a partition was attached, detached, truncated or rewritten';
      -- Rows of a detached partition are gone from the table, but nobody deleted them.
      v_links := v_table.detach_deletes or v_table.partitions ?& array(select jsonb_object_keys(v_table.old_partitions));
    end if;
    if v_doubt is not null then
      perform tideway_private.ask_compare(array[v_table.relation], v_doubt, v_links);
    end if;
    if v_doubt is not null or not v_table.known then
      v_changed := true;
      insert into tideway_private.followed as f (slot, relation, member, key_columns, key_source, partitions)
      values (slot, v_table.relation, v_table.member, v_table.key_columns, v_table.key_source, v_table.partitions)
      on conflict on constraint followed_pkey do update
         set member = excluded.member, key_columns = excluded.key_columns, key_source = excluded.key_source,
             partitions = excluded.partitions, seen_at = clock_timestamp();
    end if;

    if v_table.key_source in ('n', 'd') then
      -- While such a table is published, every update and delete of it fails for its users.
      if v_table.owned and v_publication.mine then
        execute format('alter publication %I drop table %s', publication, v_table.relation::regclass);
      end if;
      v_troubles := v_troubles || jsonb_build_object('code', 'KEY_MISSING',
        'message', format('Table %s has lost its key, so updates and deletes of it fail while it is published%s.', v_table.name,
                          case when v_table.owned and v_publication.mine then '; it was taken out' else '' end),
        'mend', format('alter table %s add primary key (%s); or take it out: alter publication %I drop table %1$s;', v_table.name,
                       (select string_agg(quote_ident(k), ', ') from unnest(v_table.key_columns) k), publication));
    end if;
  end loop;

  delete from tideway_private.followed f
   where f.slot = check_followed.slot
     and not exists (select from tideway_private.followed_tables() t where t.relation = f.relation);
  update tideway_private.positions p
     set troubles = v_troubles
   where p.slot = check_followed.slot and p.troubles <> v_troubles;
  return jsonb_build_object('troubles', v_troubles, 'changed', v_changed);
end;
$$;

comment on function tideway_private.check_followed(name, name) is
'The guard: compares the tables that should be followed with the publication and with what they were at its last look.

What may have been missed (a table that was out of the publication, a new key, a partition that came, went or was
truncated) is compared; what only the owner can mend comes back as troubles, and stands in tideway.health.';
