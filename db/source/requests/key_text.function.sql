create or replace function tideway_private.key_text(mapping integer, key jsonb)
returns text
language plpgsql
stable
set search_path = ''
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set intervalstyle = 'postgres'
set extra_float_digits = 1
set bytea_output = 'hex'
set lc_monetary = 'C'
as $$
declare
  v_name    text;
  v_columns text[];
  v_types   text[];
  v_values  jsonb[];
  v_texts   text[] := '{}';
  v_value   jsonb;
  v_text    text;
  v_unknown text;
begin
  select m.name, m.key_columns,
         array(select coalesce(format_type(a.atttypid, a.atttypmod), c.local_type)
                 from unnest(m.key_columns) with ordinality as k (name, nr)
                 left join pg_catalog.pg_attribute a
                   on a.attrelid = m.local_table and a.attname = k.name and not a.attisdropped
                 left join tideway.mapping_columns c on c.mapping_id = m.id and c.local = k.name
                order by k.nr)
    into v_name, v_columns, v_types
    from tideway.mappings m
   where m.number = key_text.mapping;

  case jsonb_typeof(key_text.key)
    when 'object' then
      select k into v_unknown from jsonb_object_keys(key_text.key) k where k <> all (v_columns) order by k limit 1;
      if found then
        raise exception 'The key of the mapping "%" has no column "%".', v_name, v_unknown
          using errcode = 'TWKEY', hint = format('Its columns are: %s.', array_to_string(v_columns, ', '));
      end if;
      v_values := array(select key_text.key -> c from unnest(v_columns) with ordinality as x (c, nr) order by nr);
    when 'array' then
      v_values := array(select e from jsonb_array_elements(key_text.key) with ordinality as x (e, nr) order by nr);
    else
      v_values := array[key_text.key];
  end case;

  if cardinality(v_values) <> cardinality(v_columns) or cardinality(v_columns) > 1 and jsonb_typeof(key_text.key) not in ('object', 'array') then
    raise exception 'The key of the mapping "%" has % columns.', v_name, cardinality(v_columns)
      using errcode = 'TWKEY',
            hint = format('Give an object: %s.', (select jsonb_object_agg(c, '…') from unnest(v_columns) c));
  end if;

  for i in 1 .. cardinality(v_columns) loop
    v_value := v_values[i];
    if v_value is null or v_value = 'null' then
      raise exception 'The key column "%" of the mapping "%" needs a value.', v_columns[i], v_name
        using errcode = 'TWKEY', hint = format('Its columns are: %s.', array_to_string(v_columns, ', '));
    end if;
    -- 7.0 in JSON is the integer 7; as text it would not be.
    v_text := case when jsonb_typeof(v_value) = 'number' and v_types[i] in ('smallint', 'integer', 'bigint')
                   then trim_scale(v_value::numeric)::text
                   else v_value #>> '{}' end;
    begin
      execute format('select ($1::%s)::text', v_types[i]) into v_text using v_text;
    exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
      raise exception 'The key column "%" of the mapping "%" cannot hold %.', v_columns[i], v_name, quote_literal(v_text)
        using errcode = 'TWKEY', detail = sqlerrm, hint = format('Its type is %s.', v_types[i]);
    end;
    v_texts := v_texts || v_text;
  end loop;

  return case when cardinality(v_texts) = 1 then v_texts[1] else to_jsonb(v_texts)::text end;
end;
$$;

comment on function tideway_private.key_text(integer, jsonb) is
'The local key of a row as the engine writes it, whatever way the caller wrote it: 7, "7" and "07" are one row of an integer key.

key is a scalar, an object by column, or an array in the order of the key; a value that does not fit its column raises TWKEY.';
