create or replace function tideway.retry_failed_sync(mapping text default null, error_class text default null)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_mapping tideway.mappings;
  v_only    uuid;
  v_rows    integer;
  v_all     integer := 0;
begin
  if retry_failed_sync.error_class is not null then
    perform tideway_private.known_error_class(retry_failed_sync.error_class);
  end if;
  if retry_failed_sync.mapping is not null then
    v_only := (tideway_private.named_mapping(retry_failed_sync.mapping)).id;
  end if;

  for v_mapping in
    select m.*
      from tideway.mappings m
     where m.org_id = tideway.current_org_id()
       and m.state <> 'unmapped'
       and (v_only is null or m.id = v_only)
     order by m.number
  loop
    select count(*) into v_rows from tideway_private.rows_to_retry(v_mapping.number, retry_failed_sync.error_class);
    continue when v_rows = 0;
    perform tideway_private.ask('retry', v_mapping.number, null,
      jsonb_strip_nulls(jsonb_build_object('error_class', retry_failed_sync.error_class)));
    v_all := v_all + v_rows;
  end loop;

  return v_all;
end;
$$;

comment on function tideway.retry_failed_sync(text, text) is
'Tries the failed rows again at once, of one mapping or of all, of one error class or of all; returns how many.

Attempts start anew. Errors close by themselves when their rows succeed.

  select tideway.retry_failed_sync(''products'', ''VALIDATION_ERROR'');';
