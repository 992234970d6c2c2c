create or replace function tideway_private.read_rows(
  mapping   integer,
  filters   jsonb default '[]',
  one       text default null,
  after     jsonb default null,
  page      integer default 100
)
returns table (row_key jsonb, content jsonb)
language plpgsql
volatile
set search_path = ''
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set intervalstyle = 'postgres'
set extra_float_digits = 1
set bytea_output = 'hex'
set lc_monetary = 'C'
as $$
#variable_conflict use_column
declare
  v_map      tideway.mappings;
  v_columns  text[];
  v_column   text;
  v_filter   jsonb;
  v_where    text := 'true';
  v_keys     text;
begin
  select m.* into v_map from tideway.mappings m where m.number = read_rows.mapping;
  v_columns := v_map.key_columns || array(
    select c.local from tideway.mapping_columns c
     where c.mapping_id = v_map.id and c.local <> all (v_map.key_columns)
       and exists (select from pg_catalog.pg_attribute a where a.attrelid = v_map.local_table and a.attname = c.local and not a.attisdropped)
     order by c.ordinal);

  filters := coalesce(filters, '[]');
  if one is not null then
    v_column := coalesce(v_map.read ->> 'key', case when cardinality(v_map.key_columns) = 1 then v_map.key_columns[1] end);
    if v_column is null then
      raise exception 'The rows of "%" have a key of several columns.', v_map.read ->> 'name'
        using errcode = 'TWARG', hint = 'Filter by the columns, or give the option read a key: {"name", "key"}.';
    end if;
    filters := filters || jsonb_build_object('column', v_column, 'op', 'eq', 'value', one);
  end if;

  for v_filter in select f from jsonb_array_elements(filters) f loop
    if v_filter ->> 'column' <> all (v_columns) then
      raise exception 'There is no column "%" in "%".', v_filter ->> 'column', v_map.read ->> 'name'
        using errcode = 'TWARG', hint = format('Filter by one of: %s.', array_to_string(v_columns, ', '));
    end if;
    perform tideway_private.one_of('filter', v_filter ->> 'op', array['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'like', 'ilike', 'is']);
    v_where := v_where || ' and ' || case
      when v_filter ->> 'op' = 'is' and v_filter ->> 'value' in ('null', 'true', 'false') then
        format('t.%I is %s', v_filter ->> 'column', v_filter ->> 'value')
      when v_filter ->> 'op' in ('like', 'ilike') then
        format('t.%I::text %s %L', v_filter ->> 'column', v_filter ->> 'op', replace(v_filter ->> 'value', '*', '%'))
      else
        format('t.%I %s %L', v_filter ->> 'column',
               case v_filter ->> 'op' when 'eq' then '=' when 'neq' then '<>' when 'gt' then '>' when 'gte' then '>='
                                      when 'lt' then '<' when 'lte' then '<=' else '=' end,
               v_filter ->> 'value')
    end;
  end loop;

  select string_agg(format('t.%I', k), ', ' order by n) into v_keys from unnest(v_map.key_columns) with ordinality as x (k, n);
  if after is not null then
    if jsonb_typeof(after) <> 'array' or jsonb_array_length(after) <> cardinality(v_map.key_columns) then
      raise exception 'The argument after is not what an earlier answer called next.' using errcode = 'TWARG', hint = 'Begin without it.';
    end if;
    v_where := v_where || format(' and (%s) > (%s)', v_keys,
      (select string_agg(quote_literal(a), ', ' order by n) from jsonb_array_elements_text(after) with ordinality as x (a, n)));
  end if;

  if not tideway_private.runner_stands(v_map.run_as) then
    raise exception 'The role with whose rights "%" runs is not ready.', v_map.name
      using errcode = 'TWSTA', hint = 'Call tideway.map(...) again as that role.';
  end if;
  return query execute format('select r.a, r.b from tideway_run.%I($1, null, null, null) r', v_map.run_as)
    using format(
      'select null::integer, null::text, pg_catalog.jsonb_build_array(%s), %s, null::jsonb, null::boolean from %s t where %s order by %s limit %s',
      (select string_agg(format('t.%I::text', k), ', ' order by n) from unnest(v_map.key_columns) with ordinality as x (k, n)),
      tideway_private.object_expression(array(select format('%L, t.%I', k, k) from unnest(v_columns) with ordinality as x (k, n) order by n)),
      v_map.local_table, v_where, v_keys, least(greatest(page, 1), 1001));
end;
$$;

comment on function tideway_private.read_rows(integer, jsonb, text, jsonb, integer) is
  'Rows behind a read cache, as its mapping''s run_as sees them: the mapped columns, filtered, in the order of the key, after a key.';
