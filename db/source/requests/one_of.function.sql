create or replace function tideway_private.one_of(argument text, value text, choices text[])
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  if one_of.value is null or one_of.value <> all (one_of.choices) then
    raise exception 'The argument % cannot be %.', one_of.argument, coalesce(quote_literal(one_of.value), 'null')
      using errcode = 'TWARG',
            hint = format('Use one of: %s.', array_to_string(one_of.choices, ', '));
  end if;
end;
$$;

comment on function tideway_private.one_of(text, text, text[]) is
  'Raises TWARG, naming the choices, unless an argument is one of them.';
