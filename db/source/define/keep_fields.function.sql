create or replace function tideway_private.keep_fields(
  map     tideway.mappings,
  wanted  tideway.mapping_columns[],
  known   tideway.mapping_columns[],
  linked  boolean
)
returns tideway.mapping_columns[]
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_result tideway.mapping_columns[] := '{}';
  v_column tideway.mapping_columns;
  v_before tideway.mapping_columns;
  v_number integer;
begin
  -- Images are kept by field. A column that means something else now gets a field that no image has.
  foreach v_column in array wanted loop
    select k.* into v_before from unnest(known) k where k.local = v_column.local;
    if v_before.local is not null
       and (v_before.remote, v_before.type) = (v_column.remote, v_column.type)
       and (v_before.local_type = v_column.local_type or tideway_private.widens(v_before.local_type, v_column.local_type))
    then
      v_column.field := v_before.field;
    elsif linked then
      insert into tideway_private.used_fields as f (mapping, org_id, local, number)
      values (map.number, map.org_id, v_column.local, case when v_before.local is null then 1 else 2 end)
      on conflict (mapping, local) do update set number = f.number + 1
      returning f.number into v_number;
      v_column.field := v_column.local || case v_number when 1 then '' else '#' || v_number end;
    end if;
    v_result := v_result || v_column;
  end loop;

  -- A column that goes may come back; its next life must not read the images of this one.
  if linked then
    insert into tideway_private.used_fields (mapping, org_id, local, number)
    select map.number, map.org_id, k.local, coalesce(substring(k.field from '#(\d+)$')::integer, 1)
      from unnest(known) k
     where not exists (select from unnest(wanted) w where w.local = k.local)
    on conflict do nothing;
  end if;
  return v_result;
end;
$$;

comment on function tideway_private.keep_fields(tideway.mappings, tideway.mapping_columns[], tideway.mapping_columns[], boolean) is
  'Gives unchanged columns the field they had, and changed ones a field that was never used.';
