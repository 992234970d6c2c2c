create or replace function tideway.transform(value jsonb, name text, argument text)
returns jsonb
language plpgsql
immutable
set search_path = ''
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
  v_text text := value #>> '{}';
begin
  if name = 'constant' then
    return case when pg_catalog.left(pg_catalog.btrim(argument), 1) in ('"', '{', '[') or argument ~ '^\s*(-?\d+(\.\d+)?|true|false|null)\s*$'
                then argument::jsonb else pg_catalog.to_jsonb(argument) end;
  elsif name = 'null_to_empty' then
    return coalesce(nullif(value, 'null'), '""');
  elsif v_text is null then
    return value;
  end if;

  case name
    when 'trim' then
      return pg_catalog.to_jsonb(pg_catalog.btrim(v_text, E' \t\n\r\f'));
    when 'upper' then
      return pg_catalog.to_jsonb(pg_catalog.upper(v_text));
    when 'lower' then
      return pg_catalog.to_jsonb(pg_catalog.lower(v_text));
    when 'title' then
      return pg_catalog.to_jsonb(pg_catalog.initcap(v_text));
    when 'empty_to_null' then
      return case when pg_catalog.btrim(v_text) = '' then 'null' else value end;
    when 'digits' then
      return pg_catalog.to_jsonb(pg_catalog.regexp_replace(v_text, '\D', '', 'g'));
    when 'boolean_words' then
      return case pg_catalog.lower(pg_catalog.btrim(v_text))
               when '' then 'null'
               when 'yes' then 'true' when 'y' then 'true' when 'true' then 'true' when 't' then 'true' when 'on' then 'true'
               when '1' then 'true' when 'x' then 'true' when 'active' then 'true' when 'enabled' then 'true' when 'checked' then 'true'
               when 'si' then 'true' when 'sí' then 'true' when 'ja' then 'true' when 'oui' then 'true'
               when 'no' then 'false' when 'n' then 'false' when 'false' then 'false' when 'f' then 'false' when 'off' then 'false'
               when '0' then 'false' when 'inactive' then 'false' when 'disabled' then 'false' when 'unchecked' then 'false'
               when 'nein' then 'false' when 'non' then 'false'
               else value
             end;
    when 'boolean_to_yes_no' then
      return pg_catalog.to_jsonb(case when v_text::boolean then 'Yes' else 'No' end);
    when 'boolean_to_t_f' then
      return pg_catalog.to_jsonb(case when v_text::boolean then 'T' else 'F' end);
    when 'boolean_to_1_0' then
      return pg_catalog.to_jsonb(case when v_text::boolean then 1 else 0 end);
    when 'currency', 'number' then
      return coalesce(pg_catalog.to_jsonb(tideway.read_amount(v_text)), 'null');
    when 'percent' then
      return coalesce(
        pg_catalog.to_jsonb(tideway.read_amount(pg_catalog.replace(v_text, '%', ''))
                            / case when v_text like '%\%%' then 100 else 1 end), 'null');
    when 'date' then
      return pg_catalog.to_jsonb(pg_catalog.to_date(v_text, argument));
    when 'date_time' then
      return pg_catalog.to_jsonb(pg_catalog.to_timestamp(v_text, argument));
    when 'format_date' then
      return pg_catalog.to_jsonb(pg_catalog.to_char(v_text::timestamptz, argument));
    when 'epoch_seconds' then
      return pg_catalog.to_jsonb(pg_catalog.to_timestamp(v_text::double precision));
    when 'epoch_milliseconds' then
      return pg_catalog.to_jsonb(pg_catalog.to_timestamp(v_text::double precision / 1000));
    when 'path' then
      return coalesce(value #> pg_catalog.string_to_array(argument, '.'), 'null');
    when 'first' then
      return case when pg_catalog.jsonb_typeof(value) = 'array' then coalesce(value -> 0, 'null') else value end;
    when 'join' then
      return case when pg_catalog.jsonb_typeof(value) = 'array'
                  then pg_catalog.to_jsonb((select pg_catalog.string_agg(e, argument order by n)
                                              from pg_catalog.jsonb_array_elements_text(value) with ordinality as x (e, n)))
                  else value end;
    when 'split' then
      return pg_catalog.to_jsonb(pg_catalog.string_to_array(v_text, argument));
    else
      raise exception 'The transform "%" does not exist.', name
        using errcode = 'TWTRF', hint = 'List them with: select * from tideway.builtin_transforms();';
  end case;
end;
$$;

comment on function tideway.transform(jsonb, text, text) is
  'Carries out a built-in transform on one value; null stays null.';
