create or replace function tideway.validate_mapping(name text)
returns table (severity text, "column" text, problem text, mend text)
language sql
volatile
set search_path = ''
as $$
  select p.severity, p."column", p.problem, p.mend
    from tideway_private.mapping_problems(tideway_private.named_mapping(validate_mapping.name)) p
   order by p.severity, p."column" nulls first, p.problem
$$;

comment on function tideway.validate_mapping(text) is
'What is wrong (error) or doubtful (warning) with a mapping, and how to mend it; no rows when all is well.

Errors keep it from being activated. What concerns the app is judged by what tideway.discover has read last.

  select * from tideway.validate_mapping(''products'');';
