create or replace function tideway_private.store_token(connection integer, epoch bigint, name text, sealed text)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
begin
  -- Only the owner renews: two daemons that rotate one refresh token lock the account out.
  insert into tideway_private.tokens as t (connection, org_id, name, sealed)
  select l.connection, l.org_id, store_token.name, store_token.sealed
    from tideway_private.leases l
   where l.connection = store_token.connection and l.epoch = store_token.epoch and l.expires_at > clock_timestamp()
  on conflict on constraint tokens_pkey do update set sealed = excluded.sealed, stored_at = clock_timestamp();
  return found;
end;
$$;

comment on function tideway_private.store_token(integer, bigint, text, text) is
  'Keeps a secret that the app gave out, before it is used; false when the caller has lost the connection''s lease.';
