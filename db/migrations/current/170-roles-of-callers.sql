-- The HTTP door works as its caller, so the daemon may take on the roles of readers and operators, and no other.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['tideway_reader', 'tideway_operator'] loop
    if not exists (select from pg_catalog.pg_auth_members where roleid = wanted::regrole and member = 'tideway_daemon'::regrole) then
      begin
        execute pg_catalog.format('grant %I to tideway_daemon', wanted);
      exception
        when unique_violation then null;
        when insufficient_privilege then
          raise notice 'Role tideway_daemon is no member of %: % may not grant it.', wanted, current_user
            using hint = pg_catalog.format('Let an administrator run: grant %I to tideway_daemon;', wanted);
      end;
    end if;
  end loop;
end;
$$;
