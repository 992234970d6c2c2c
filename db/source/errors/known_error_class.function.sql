create or replace function tideway_private.known_error_class(error_class text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  perform tideway_private.one_of('error_class', known_error_class.error_class,
    (select array_agg(c.error_class order by c.error_class) from tideway_private.error_classes c));
end;
$$;

comment on function tideway_private.known_error_class(text) is
  'Raises TWARG, naming the classes, unless the text is one of them.';
