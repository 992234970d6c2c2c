create or replace function tideway.explain_mapping(name text)
returns table (purpose text, sql text)
language sql
stable
set search_path = ''
as $$
  select s.kind, s.sql
    from tideway_private.named_mapping(explain_mapping.name) m
    join tideway_private.statements s on s.mapping = m.number
   order by s.kind
$$;

comment on function tideway.explain_mapping(text) is
'The statements that read, convert and write the rows of a mapping, as they run; as the role in mappings.run_as.

  select * from tideway.explain_mapping(''products'');';
