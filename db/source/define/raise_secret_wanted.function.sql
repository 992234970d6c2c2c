create or replace function tideway_private.raise_secret_wanted(connection text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  raise exception 'The connection "%" would take its secret to another host or account.', raise_secret_wanted.connection
    using errcode = 'TWSEC',
          detail = 'A secret belongs to the host and the account for which it was given.',
          hint = format('Give it again: select tideway.connect(%L, ..., secret => ''env:NAME'');', raise_secret_wanted.connection);
end;
$$;

comment on function tideway_private.raise_secret_wanted(text) is
  'Refuses a change of host or account that does not bring the secret.';
