create or replace function tideway_private.raise_invalid_settings(connection text, system text, problems text[])
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  raise exception 'The settings of the connection "%" are not right.', raise_invalid_settings.connection
    using errcode = 'TWCFG',
          detail = replace(array_to_string(problems, E'\n'), '?.', '?'),
          hint = format('See what is asked for: select jsonb_pretty(settings_schema) from tideway.systems where system = %L;',
                        raise_invalid_settings.system);
end;
$$;

comment on function tideway_private.raise_invalid_settings(text, text, text[]) is
  'Refuses the settings of a connection, with every problem at once.';
