create or replace function tideway_private.sync_source(
  connection       text,
  mode             text default 'full',
  dry_run          boolean default false,
  row_limit        integer default null,
  force_overwrite  boolean default false
)
returns uuid[]
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_connection  uuid := (tideway_private.named_connection(sync_source.connection)).id;
begin
  return (
    select coalesce(array_agg(tideway.sync_now(m.name, sync_source.mode, sync_source.dry_run, sync_source.row_limit, sync_source.force_overwrite)
                              order by m.name), '{}')
      from tideway.mappings m
     where m.connection_id = v_connection
       and m.state = 'active'
       and m.direction <> 'push');
end;
$$;

comment on function tideway_private.sync_source(text, text, boolean, integer, boolean) is
  'Starts a run of every active mapping that reads from a connection; returns their ids.';
