create or replace function tideway_private.compile(mapping integer)
returns void
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_map  tideway.mappings;
  v_sql  jsonb;
begin
  select * into strict v_map from tideway.mappings m where m.number = compile.mapping;
  perform tideway_private.ensure_runner(v_map.run_as);
  v_sql := tideway_private.compiled(v_map);

  update tideway.mappings m
     set generation = m.generation + 1,
         partitions = array(select distinct p from unnest(m.partitions || tideway_private.partitions_of(v_map.local_table)) p order by p),
         shape = tideway_private.shape_of(v_map.local_table, tideway_private.mapped_columns(v_map))
   where m.number = compile.mapping
  returning * into v_map;

  delete from tideway_private.statements s where s.mapping = compile.mapping;
  insert into tideway_private.statements (mapping, org_id, kind, generation, sql)
  select compile.mapping, v_map.org_id, e.key, v_map.generation, e.value
    from jsonb_each_text(v_sql) e;
end;
$$;

comment on function tideway_private.compile(integer) is
  'Writes the SQL of a mapping: what reads, converts, locks and writes its rows. explain_mapping prints it.';
