create or replace function tideway_private.raise_invalid_mapping(mapping text, problems text[])
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  raise exception 'The mapping "%" cannot work: % to mend.', raise_invalid_mapping.mapping,
      case cardinality(problems) when 1 then 'one problem' else cardinality(problems) || ' problems' end
    using errcode = 'TWVAL',
          detail = replace(array_to_string(problems, E'\n'), '?.', '?'),
          hint = format('Mend what the detail names. Of a stored mapping: select * from tideway.validate_mapping(%L);', raise_invalid_mapping.mapping);
end;
$$;

comment on function tideway_private.raise_invalid_mapping(text, text[]) is
  'Refuses a mapping that does not validate, with every problem and its mend.';
