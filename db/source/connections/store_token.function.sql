create or replace function tideway_private.store_token(connection integer, epoch bigint, name text, sealed text)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_version integer;
begin
  -- Only the owner renews: two daemons that rotate one refresh token lock the account out.
  insert into tideway_private.tokens (connection, org_id, name, version, sealed)
  select l.connection, l.org_id, store_token.name,
         coalesce((select max(t.version) from tideway_private.tokens t
                    where t.connection = store_token.connection and t.name = store_token.name), 0) + 1,
         store_token.sealed
    from tideway_private.leases l
   where l.connection = store_token.connection and l.epoch = store_token.epoch and l.expires_at > clock_timestamp()
     for no key update of l
  returning version into v_version;
  if v_version is null then
    return false;
  end if;

  -- What signs webhooks stays valid for one exchange; of anything else only the newest counts.
  delete from tideway_private.tokens t
   where t.connection = store_token.connection
     and t.name = store_token.name
     and t.version < v_version - case when store_token.name like 'webhook\_secret%' then 1 else 0 end;
  return true;
end;
$$;

comment on function tideway_private.store_token(integer, bigint, text, text) is
  'Keeps a secret that the app gave out, before it is used; false when the caller has lost the connection''s lease.';
