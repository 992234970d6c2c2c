create or replace function tideway_private.label(name text, id uuid)
returns text
language sql
stable
set search_path = ''
as $$
  select case when (select count(*) from (select from tideway.organisations limit 2) o) > 1
              then label.name || '~' || left(label.id::text, 8)
              else label.name
         end
$$;

comment on function tideway_private.label(text, uuid) is
  'A mapping or connection as metrics name it: its name while there is one organisation, else with the first digits of its id.';
