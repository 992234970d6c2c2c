create or replace function tideway_private.is_read_request(kind text)
returns boolean
language sql
immutable
parallel safe
set search_path = ''
as $$
  select kind in ('sync', 'sweep', 'preview', 'list_items')
$$;

comment on function tideway_private.is_read_request(text) is
  'Whether a request is for the room that reads; the others are for the one that writes.';
