create or replace function tideway_private.raise_invalid_name(kind text, name text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if raise_invalid_name.name is null
     or raise_invalid_name.name !~ '^[^[:cntrl:][:space:]]([^[:cntrl:]]*[^[:cntrl:][:space:]])?$'
     or octet_length(raise_invalid_name.name) > 63
  then
    raise exception 'The name of the % is not right.', kind
      using errcode = 'TWNAM',
            detail = 'A name has 1 to 63 bytes, no control characters, and no blank at its ends.';
  end if;
end;
$$;

comment on function tideway_private.raise_invalid_name(text, text) is
  'Refuses a name that is missing, too long for a metric label, or cannot be typed again.';
