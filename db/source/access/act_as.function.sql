create or replace function tideway_private.act_as(role name, claims text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if tideway_private.is_above_organisations(act_as.role) is null then
    raise exception 'There is no role "%".', act_as.role
      using errcode = 'TWROL', hint = 'Put a role of this database into the claim role.';
  elsif tideway_private.is_above_organisations(act_as.role) then
    raise exception 'Nobody may come in as the role "%".', act_as.role
      using errcode = 'TWROL',
            detail = 'It is above the rules that keep organisations apart.',
            hint = 'Use a role that is a member of tideway_reader or tideway_operator; for work on all organisations, a system token.';
  end if;

  begin
    perform set_config('role', act_as.role, true);
  exception
    when insufficient_privilege then
      raise exception 'The daemon may not act as the role "%".', act_as.role
        using errcode = 'TWROL', hint = format('Let an administrator run: grant %I to %I;', act_as.role, session_user);
  end;
  perform set_config('request.jwt.claims', act_as.claims, true),
          set_config('statement_timeout', '20s', true),
          set_config('lock_timeout', '5s', true);
end;
$$;

comment on function tideway_private.act_as(name, text) is
  'Makes the rest of the transaction the caller''s: as that role, with those claims. Raises TWROL for roles above row-level security, or that the daemon was not granted.';
