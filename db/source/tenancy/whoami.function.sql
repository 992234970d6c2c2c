create or replace function tideway.whoami()
returns table (login name, role name, trusted boolean, org_id text, user_id text, source text, problem text, mend text)
language sql
stable
set search_path = ''
as $$
  select session_user,
         current_user,
         c.trusted,
         c.org_id,
         c.user_id,
         c.source,
         c.problem,
         case
           when c.problem is null then null
           when c.source = 'request.jwt.claims' then 'Put {"org_id": "...", "sub": "..."} into the token.'
           when c.trusted then 'set tideway.org_id = ''...'';'
           else pg_catalog.format('Let the owner run: insert into tideway.members (login, org_id) values (%L, ''...'');', session_user)
         end
    from tideway_private.caller() c
$$;

comment on function tideway.whoami() is
'Who Tideway takes you for: login, role, organisation and person, where it has that from, and what to do when it has none.

  select * from tideway.whoami();';
