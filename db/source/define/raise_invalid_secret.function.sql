create or replace function tideway_private.raise_invalid_secret(connection text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  -- Never the text itself: what was given may be the secret in clear.
  raise exception 'The secret of the connection "%" is not a reference.', raise_invalid_secret.connection
    using errcode = 'TWSEC',
          detail = 'Tideway keeps no secret in clear. A reference is env:NAME, file:PATH, vault:NAME or sealed:v1:….',
          hint = 'Put the secret into the daemon''s environment and give ''env:NAME'', or seal it with: tideway seal. '
                 'If what you gave was the secret itself, change it in the app: it may be in the server''s log.';
end;
$$;

comment on function tideway_private.raise_invalid_secret(text) is
  'Refuses a secret in clear, without repeating it.';
