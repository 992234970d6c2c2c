create or replace function tideway_private.write_rows(run_as name, statement text, keys text[], vals jsonb[])
returns table (key text, new_key text, problem jsonb)
language plpgsql
volatile
set search_path = ''
set plan_cache_mode = auto
as $$
#variable_conflict use_column
declare
  v_keys     text[];
  v_new      text[];
  v_half     integer := cardinality(write_rows.keys) / 2;
  v_problem  jsonb;
begin
  begin
    execute format('select array_agg(r.key), array_agg(coalesce(r.a #>> ''{}'', r.key)) from tideway_run.%I($1, null, $2, $3) r', run_as)
       into v_keys, v_new using statement, write_rows.keys, vals;
    -- A deferred constraint would otherwise fail at commit and take the page with it.
    set constraints all immediate;
  exception when others then
    declare
      v_state text; v_message text; v_detail text; v_column text; v_constraint text; v_schema text; v_table text;
    begin
      get stacked diagnostics v_state = returned_sqlstate, v_message = message_text, v_detail = pg_exception_detail,
                              v_column = column_name, v_constraint = constraint_name, v_schema = schema_name, v_table = table_name;
      -- Not the row's fault, and the others would fare no better: the page is read again. 08 is the server behind a foreign table.
      if tideway_private.is_server_trouble(v_state) or v_state like '08%' then
        raise;
      end if;
      if v_half = 0 then
        -- PostgreSQL names the column of a missing value only; a constraint on one column is about that column.
        v_column := coalesce(nullif(v_column, ''),
          (select a.attname from pg_catalog.pg_constraint c
             join pg_catalog.pg_class t on t.oid = c.conrelid and t.relname = v_table and t.relnamespace::regnamespace::text = quote_ident(v_schema)
             join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
            where c.conname = v_constraint and cardinality(c.conkey) = 1));
        v_problem := tideway_private.problem_of(v_state, v_message, v_detail, v_column, v_constraint);
      end if;
    end;
    if v_half = 0 then
      return query select write_rows.keys[1], null::text, v_problem;
    else
      return query select * from tideway_private.write_rows(run_as, statement, write_rows.keys[1 : v_half], vals[1 : v_half]);
      return query select * from tideway_private.write_rows(run_as, statement, write_rows.keys[v_half + 1 :], vals[v_half + 1 :]);
    end if;
    return;
  end;

  -- A row that did not come back was swallowed by a trigger, or vanished.
  return query
    select k.key, w.new_key,
           case when w.key is null then jsonb_build_object('class', 'VALIDATION_ERROR', 'code', 'NOT_WRITTEN',
                  'message', 'The table did not take the row: a trigger returned NULL, or the row is gone') end
      from unnest(write_rows.keys) as k (key)
      left join unnest(v_keys, v_new) as w (key, new_key) on w.key = k.key;
end;
$$;

comment on function tideway_private.write_rows(name, text, text[], jsonb[]) is
  'Writes rows as the mapping''s role in a savepoint; when that fails the set is halved until the rows that fail alone are found. What the server is to blame for is raised.';
