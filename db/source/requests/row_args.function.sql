create or replace function tideway_private.row_args(mapping integer, key jsonb)
returns jsonb
language sql
stable
set search_path = ''
as $$
  -- A record that never became a row has no key yet; its remote id names it.
  select case
    when jsonb_typeof(row_args.key) = 'object' and row_args.key ? 'remote_id' and row_args.key - 'remote_id' = '{}'
         and not exists (select from tideway.mappings m where m.number = row_args.mapping and 'remote_id' = any (m.key_columns))
    then jsonb_build_object('remote_id', row_args.key ->> 'remote_id')
    else jsonb_build_object('local_key', tideway_private.key_text(row_args.mapping, row_args.key))
  end
$$;

comment on function tideway_private.row_args(integer, jsonb) is
  'Names a row for a request: {"local_key": …}, or {"remote_id": …} when the caller gave {"remote_id": …} instead of a key.';
