create or replace function tideway_private.secret_reference(connection_id uuid)
returns text
language sql
stable
security definer
set search_path = ''
as $$
  -- A reference says where the secret is, not what it is; a sealed one is the secret itself, so only its kind is told.
  select case when s.secret like 'sealed:%' then 'sealed' else s.secret end
    from tideway_private.connection_secrets s
   where s.connection_id = secret_reference.connection_id
     and s.org_id = tideway.current_org_id()
     and pg_catalog.pg_has_role(session_user, 'tideway_operator', 'usage')
$$;

comment on function tideway_private.secret_reference(uuid) is
  'Where the secret of a connection of the caller''s organisation is, for operators; of a sealed one only that it is sealed.';
