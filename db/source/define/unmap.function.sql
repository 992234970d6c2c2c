create or replace function tideway.unmap(name text, forget boolean default false)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_map       tideway.mappings;
  v_statement text;
begin
  -- One that was unmapped before can still be forgotten.
  select * into v_map from tideway.mappings m
   where unmap.forget and m.org_id = tideway.current_org_id() and m.name = unmap.name and m.state = 'unmapped';
  if v_map.id is null then
    v_map := tideway_private.named_mapping(unmap.name);
  end if;

  perform tideway_private.defining(true);
  if v_map.activated_at is null and not exists (select from tideway_private.links l where l.mapping = v_map.number) then
    delete from tideway.mappings m where m.id = v_map.id;
  else
    update tideway.mappings m
       set state = 'unmapped', activated_at = null, paused_at = null, paused_reason = null,
           paused_code = case when unmap.forget then 'FORGET' end
     where m.id = v_map.id;
    perform tideway_private.ask('unmap', v_map.number, null, jsonb_build_object('forget', unmap.forget));
    if tideway_private.is_published(v_map.local_table)
       and not exists (select from tideway.mappings m
                        where m.local_table = v_map.local_table and m.id <> v_map.id and m.state not in ('draft', 'unmapped')
                          and (m.direction <> 'pull' or m.read is not null))
    then
      v_statement := format('alter publication %I drop table %s;', tideway_private.publication_name(), v_map.local_table);
      -- Left there, updates of it would fail for its users on the day when it loses its key.
      if exists (select from pg_catalog.pg_publication p
                   join pg_catalog.pg_publication_rel r on r.prpubid = p.oid
                  where p.pubname = tideway_private.publication_name() and r.prrelid = v_map.local_table
                    and pg_catalog.pg_has_role(current_user, p.pubowner, 'usage'))
      then
        execute v_statement;
      else
        raise notice 'The table % is still in the publication, though no mapping needs it.', v_map.local_table
          using hint = format('Let the owner of the publication run: %s', v_statement);
      end if;
    end if;
  end if;
  perform tideway_private.defining(false);
  return 1;
end;
$$;

comment on function tideway.unmap(text, boolean) is
'Ends a mapping. What is in flight is settled, marks are dropped, and the rows of both sides stay as they are.

Who owns the publication also takes the table out of it, when no other mapping needs it.

The links are kept, so that mapping the same table, key and remote table again goes on where this one stopped; forget => true drops them.

  select tideway.unmap(''products'');';
