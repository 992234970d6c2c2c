create or replace function tideway_private.filter_problem(local_table regclass, filter text)
returns text
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- PREPARE parses and runs nothing; without a semicolon there is no second statement that could run.
  if filter like '%;%' then
    return 'it may not hold a semicolon.';
  end if;
  begin
    execute format(E'prepare tideway_filter as select from %s as %I where (%s\n)', local_table,
                   (select c.relname from pg_catalog.pg_class c where c.oid = local_table), filter);
    deallocate tideway_filter;
  exception
    when others then
      return sqlerrm || '.';
  end;
  return null;
end;
$$;

comment on function tideway_private.filter_problem(regclass, text) is
  'Why a text is not one boolean expression over the rows of a table; null when it is.';
