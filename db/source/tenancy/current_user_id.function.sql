create or replace function tideway.current_user_id()
returns text
language sql
stable
security definer
set search_path = ''
as $$
  select c.user_id from tideway_private.caller() c
$$;

comment on function tideway.current_user_id() is
'The person who is asking: the claim sub, the setting tideway.user_id, or tideway.members.user_id; null for a system.

  select tideway.current_user_id();';
