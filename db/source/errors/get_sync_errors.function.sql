create or replace function tideway.get_sync_errors(
  mapping           text default null,
  error_class       text default null,
  include_resolved  boolean default false,
  max_rows          integer default 100
)
returns setof tideway.sync_errors
language plpgsql
stable
set search_path = ''
as $$
declare
  v_mapping_id uuid;
begin
  if get_sync_errors.mapping is not null then
    v_mapping_id := (tideway_private.named_mapping(get_sync_errors.mapping)).id;
  end if;
  if get_sync_errors.error_class is not null then
    perform tideway_private.known_error_class(get_sync_errors.error_class);
  end if;

  return query
  select e.*
    from tideway.sync_errors e
   where (v_mapping_id is null or e.mapping_id = v_mapping_id)
     and (get_sync_errors.error_class is null or e.error_class = get_sync_errors.error_class)
     and (get_sync_errors.include_resolved or e.resolved_at is null)
   order by e.last_seen_at desc, e.id
   limit greatest(get_sync_errors.max_rows, 0);
end;
$$;

comment on function tideway.get_sync_errors(text, text, boolean, integer) is
'The errors of one mapping or of all, newest first: open ones, or also resolved ones.

  select error_class, code, local_key, "column", message, suggestion from tideway.get_sync_errors(''products'');';
