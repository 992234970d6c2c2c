-- Operators look, too; and the two logins whose claims are believed from the start.
do $$
begin
  if not pg_catalog.pg_has_role('tideway_operator', 'tideway_reader', 'member') then
    grant tideway_reader to tideway_operator;
  end if;
exception
  when insufficient_privilege then
    raise notice 'Role tideway_operator does not inherit tideway_reader: % may not grant it.', current_user
      using hint = 'Let an administrator run: grant tideway_reader to tideway_operator;';
  when unique_violation then null;
end;
$$;

set local role tideway_owner;

insert into tideway_private.trusted_logins (login)
values ('tideway_daemon'), ('authenticator')
on conflict do nothing;

reset role;
