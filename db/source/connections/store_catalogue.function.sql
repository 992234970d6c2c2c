create or replace function tideway_private.store_catalogue(connection integer, tables jsonb, complete boolean)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_connection  tideway.connections;
  v_count       integer;
  v_changed     jsonb;
begin
  select c.* into v_connection from tideway.connections c where c.number = store_catalogue.connection;
  -- What has another type than when it was read last; new columns have nothing to differ from.
  select coalesce(jsonb_agg(jsonb_build_object('table', c.remote_table, 'column', c.name, 'from', c.type, 'to', x.col ->> 'type')), '[]')
    into v_changed
    from jsonb_to_recordset(tables) as t (name text, columns jsonb)
   cross join lateral jsonb_array_elements(t.columns) as x (col)
    join tideway.remote_columns c
      on c.connection_id = v_connection.id and c.remote_table = t.name and c.name = x.col ->> 'name'
   where c.type is distinct from x.col ->> 'type';
  insert into tideway.remote_tables as t (org_id, connection_id, name, title, capabilities, read_at)
  select v_connection.org_id, v_connection.id, x.name, x.title, x.capabilities, clock_timestamp()
    from jsonb_to_recordset(tables) as x (name text, title text, capabilities jsonb)
   order by x.name
  on conflict on constraint remote_tables_pkey do update
     set title = excluded.title, capabilities = excluded.capabilities, read_at = excluded.read_at, missing_since = null;
  get diagnostics v_count = row_count;

  insert into tideway.remote_columns as c
    (org_id, connection_id, remote_table, name, title, type, app_type, writable, required, ordinal, read_at)
  select v_connection.org_id, v_connection.id, t.name, x.col ->> 'name', x.col ->> 'title', x.col ->> 'type', x.col ->> 'appType',
         (x.col ->> 'writable')::boolean, (x.col ->> 'required')::boolean, x.n::integer, clock_timestamp()
    from jsonb_to_recordset(tables) as t (name text, columns jsonb)
   cross join lateral jsonb_array_elements(t.columns) with ordinality as x (col, n)
   order by t.name, x.col ->> 'name'
  on conflict on constraint remote_columns_pkey do update
     set title = excluded.title, type = excluded.type, app_type = excluded.app_type, writable = excluded.writable,
         required = excluded.required, ordinal = excluded.ordinal, read_at = excluded.read_at, missing_since = null;

  -- What the app shows no longer is kept with a date, since mappings may name it.
  update tideway.remote_columns c
     set missing_since = clock_timestamp()
    from jsonb_to_recordset(tables) as t (name text, columns jsonb)
   where c.connection_id = v_connection.id
     and c.remote_table = t.name
     and c.missing_since is null
     and not exists (select from jsonb_array_elements(t.columns) x where x ->> 'name' = c.name);
  if complete then
    update tideway.remote_tables t
       set missing_since = clock_timestamp()
     where t.connection_id = v_connection.id
       and t.missing_since is null
       and not exists (select from jsonb_to_recordset(tables) as x (name text) where x.name = t.name);
  end if;
  perform tideway_private.pause_drifted(v_connection, v_changed);
  return v_count;
end;
$$;

comment on function tideway_private.store_catalogue(integer, jsonb, boolean) is
'The tables and columns that an app showed; with complete, what it did not show any more is noted as missing.

A mapping whose table or columns are gone or have another type is paused; the others go on.';
