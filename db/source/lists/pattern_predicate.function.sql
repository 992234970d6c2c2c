create or replace function tideway_private.pattern_predicate(filter_config jsonb, columns jsonb, alias text default null)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_terms    text[] := '{}';
  v_name     text;
  v_value    jsonb;
  v_match    record;
  v_ref      text;
  v_type     text;
  v_list     text;
  v_operator text;
  v_bad      text;
begin
  if jsonb_typeof(pattern_predicate.filter_config) is distinct from 'object' then
    raise exception 'A filter is an object of fields and values.'
      using errcode = 'TWPAT', hint = 'For example {"status": ["active"], "priceMin": 10}.';
  end if;

  for v_name, v_value in select e.key, e.value from jsonb_each(pattern_predicate.filter_config) e order by e.key loop
    -- A field of that very name wins over a suffix: a column may well be called priceMin.
    select c.local, c.local_type, r.operator
      into v_match
      from jsonb_to_recordset(pattern_predicate.columns) as c (local text, remote text, field text, local_type text)
      cross join (values ('', '=', 1), ('min', '>=', 2), ('max', '<=', 2), ('after', '>', 2), ('before', '<', 2)) as r (suffix, operator, rank)
      cross join lateral (select regexp_replace(lower(v_name), '[^a-z0-9]', '', 'g') as wanted) w
      cross join lateral unnest(array[c.local, c.remote, c.field]) as n (name)
      cross join lateral (select regexp_replace(lower(n.name), '[^a-z0-9]', '', 'g') as known) k
     where w.wanted = k.known || r.suffix
        or r.suffix in ('after', 'before') and k.known ~ '(at|on|date)$'
           and w.wanted = regexp_replace(k.known, '(at|on|date)$', '') || r.suffix
     order by r.rank, n.name = v_name desc, c.local
     limit 1;
    if not found then
      raise exception 'The filter names "%", which is no mapped field.', v_name
        using errcode = 'TWPAT',
              hint = format('Use one of these, alone or with Min, Max, After or Before behind it: %s.',
                            (select string_agg(c.local, ', ' order by c.local)
                               from jsonb_to_recordset(pattern_predicate.columns) as c (local text)));
    end if;

    v_type := format_type(v_match.local_type::regtype, null);
    v_ref := concat_ws('.', quote_ident(nullif(pattern_predicate.alias, '')), quote_ident(v_match.local));
    v_operator := v_match.operator;

    if jsonb_typeof(v_value) = 'object' or jsonb_typeof(v_value) = 'array' and v_operator <> '=' then
      raise exception 'The filter "%" takes %.', v_name, case v_operator when '=' then 'a value or a list of values' else 'one value' end
        using errcode = 'TWPAT', hint = 'For example {"status": ["active", "draft"], "updatedAfter": "2026-01-01T00:00:00Z"}.';
    end if;
    select x #>> '{}' into v_bad
      from jsonb_array_elements(case jsonb_typeof(v_value) when 'array' then v_value else jsonb_build_array(v_value) end) x
     where jsonb_typeof(x) <> 'null' and not tideway_private.fits(x #>> '{}', v_type)
     limit 1;
    if found then
      raise exception 'The filter "%" cannot be compared with %.', v_name, quote_literal(v_bad)
        using errcode = 'TWPAT', hint = format('The column %s is of type %s.', v_match.local, v_type);
    end if;

    if jsonb_typeof(v_value) = 'array' then
      select string_agg(format('%L::%s', x #>> '{}', v_type), ', ') into v_list
        from jsonb_array_elements(v_value) x where jsonb_typeof(x) <> 'null';
      v_terms := v_terms || concat('(', concat_ws(' or ',
        case when v_list is not null then format('%s in (%s)', v_ref, v_list) end,
        case when v_value @> '[null]' then format('%s is null', v_ref) end,
        case when v_value = '[]' then 'false' end), ')');
    elsif jsonb_typeof(v_value) = 'null' then
      v_terms := v_terms || case v_operator when '=' then format('%s is null', v_ref) else 'true' end;
    else
      v_terms := v_terms || format('%s %s %L::%s', v_ref, v_operator, v_value #>> '{}', v_type);
    end if;
  end loop;
  return coalesce(nullif(array_to_string(v_terms, ' and '), ''), 'true');
end;
$$;

comment on function tideway_private.pattern_predicate(jsonb, jsonb, text) is
'Turns a filter into one boolean SQL expression over mapped columns; a field or value that does not fit raises TWPAT.

columns is a list of {local, remote, field, local_type}. A field is named by its local or remote name, whatever the case and the underscores.
A value means equality, a list any of its values, null is null; fooMin and fooMax are bounds that belong to the range, fooAfter and fooBefore bounds
that do not, also of foo_at, foo_on and foo_date; an empty filter is true, an empty list false.
A column is quoted as a name, a value as a literal cast to the column''s type, so that no text of a filter is ever read as SQL.

  select tideway_private.pattern_predicate(''{"priceMin": 10}'', ''[{"local": "price", "remote": "Price", "field": "price", "local_type": "numeric"}]'');';
