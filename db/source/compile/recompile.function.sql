create or replace function tideway_private.recompile()
returns table (mapping text, problem text)
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_map  tideway.mappings;
begin
  for v_map in
    select m.*
      from tideway.mappings m
     where m.state <> 'unmapped'
       -- A table that is gone or changed, or a role without its runner, stops the mapping anyway; map or resume writes its SQL then.
       and m.shape = tideway_private.shape_of(m.local_table, tideway_private.mapped_columns(m))
       and tideway_private.runner_stands(m.run_as)
     order by m.number
  loop
    begin
      if tideway_private.compiled(v_map) is distinct from tideway_private.statements_of(v_map.number) then
        perform tideway_private.compile(v_map.number);
        return query select v_map.name, null::text;
      end if;
    exception when others then
      -- One mapping must not keep all others from this release.
      return query select v_map.name, sqlerrm;
    end;
  end loop;
end;
$$;

comment on function tideway_private.recompile() is
  'Writes the SQL of every mapping anew for which this release writes another than the one that is stored. tideway migrate calls it last.';
