create or replace function tideway_private.setting_problems(schema jsonb, config jsonb, path text default '')
returns setof text
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_key    text;
  v_type   text;
  v_value  jsonb;
  v_rule   jsonb;
  v_name   text;
  v_known  text[] := array(select jsonb_object_keys(coalesce(schema -> 'properties', '{}')));
begin
  -- A part of JSON Schema, as the daemon describes the settings; words it does not know ask for nothing. No value is repeated.
  for v_key in
    select r from jsonb_array_elements_text(coalesce(schema -> 'required', '[]')) r
     where not config ? r and not coalesce(schema -> 'properties' -> r, '{}') ? 'default'
     order by r
  loop
    return next format('%s: is missing%s.', path || v_key,
      coalesce(' (' || (schema -> 'properties' -> v_key ->> 'description') || ')', ''));
  end loop;

  for v_key, v_value in select e.key, e.value from jsonb_each(config) e order by e.key loop
    v_name := path || v_key;
    v_rule := schema -> 'properties' -> v_key;
    if v_rule is null then
      if schema -> 'additionalProperties' = 'false' then
        return next format('%s: there is no such setting%s.', v_name,
          coalesce('; did you mean ' || tideway_private.nearest_names(v_key, v_known) || '?',
                   '; known are ' || array_to_string(v_known, ', ')));
      end if;
      continue;
    end if;

    v_type := case when jsonb_typeof(v_value) = 'number' and v_value #>> '{}' ~ '^-?\d+(\.0+)?$' then 'integer' else jsonb_typeof(v_value) end;
    if v_rule ? 'type'
       and not v_rule -> 'type' @> to_jsonb(v_type)
       and not (v_type = 'integer' and v_rule -> 'type' @> '"number"')
    then
      return next format('%s: must be of type %s, is %s.', v_name, v_rule ->> 'type', v_type);
      continue;
    end if;
    if v_rule ? 'enum' and not v_rule -> 'enum' @> jsonb_build_array(v_value) then
      return next format('%s: must be one of %s.', v_name, (select string_agg(e #>> '{}', ', ') from jsonb_array_elements(v_rule -> 'enum') e));
    end if;
    if v_rule ? 'const' and v_rule -> 'const' <> v_value then
      return next format('%s: must be %s.', v_name, v_rule -> 'const');
    end if;
    if v_type = 'string' then
      if v_rule ? 'minLength' and char_length(v_value #>> '{}') < (v_rule ->> 'minLength')::integer then
        return next format('%s: must have %s characters or more.', v_name, v_rule ->> 'minLength');
      elsif v_rule ? 'maxLength' and char_length(v_value #>> '{}') > (v_rule ->> 'maxLength')::integer then
        return next format('%s: must have %s characters or fewer.', v_name, v_rule ->> 'maxLength');
      elsif v_rule ? 'pattern' then
        begin
          if v_value #>> '{}' !~ (v_rule ->> 'pattern') then
            return next format('%s: must match %s.', v_name, v_rule ->> 'pattern');
          end if;
        exception
          -- A pattern of JavaScript that Postgres cannot read is checked by the daemon only.
          when invalid_regular_expression then null;
        end;
      end if;
    elsif v_type in ('integer', 'number') then
      if v_rule ? 'minimum' and (v_value #>> '{}')::numeric < (v_rule ->> 'minimum')::numeric then
        return next format('%s: must be %s or more.', v_name, v_rule ->> 'minimum');
      elsif v_rule ? 'maximum' and (v_value #>> '{}')::numeric > (v_rule ->> 'maximum')::numeric then
        return next format('%s: must be %s or less.', v_name, v_rule ->> 'maximum');
      elsif v_rule ? 'exclusiveMinimum' and (v_value #>> '{}')::numeric <= (v_rule ->> 'exclusiveMinimum')::numeric then
        return next format('%s: must be more than %s.', v_name, v_rule ->> 'exclusiveMinimum');
      elsif v_rule ? 'exclusiveMaximum' and (v_value #>> '{}')::numeric >= (v_rule ->> 'exclusiveMaximum')::numeric then
        return next format('%s: must be less than %s.', v_name, v_rule ->> 'exclusiveMaximum');
      end if;
    elsif v_type = 'object' then
      return query select tideway_private.setting_problems(v_rule, v_value, v_name || '.');
    end if;
  end loop;
end;
$$;

comment on function tideway_private.setting_problems(jsonb, jsonb, text) is
  'What is wrong with the settings of a connection by the JSON Schema of its system; one line each, without values.';
