create or replace function tideway_private.ensure_runner(run_as name)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if tideway_private.runner_stands(run_as) then
    return;
  end if;

  -- A definer function of the mapping's own role: what it runs can neither keep nor change the role, not even by SET ROLE.
  execute format(
    'create or replace function tideway_run.%I(statement text, ords integer[], keys text[], vals jsonb[])
     returns table (ord integer, key text, a jsonb, b jsonb, c jsonb, flag boolean)
     language plpgsql volatile security definer set search_path = "$user", public as %L',
    run_as, tideway_private.runner_source());
  execute format('revoke all on function tideway_run.%I(text, integer[], text[], jsonb[]) from public', run_as);
  execute format('grant execute on function tideway_run.%I(text, integer[], text[], jsonb[]) to tideway_daemon', run_as);
  if run_as <> current_user then
    execute format('alter function tideway_run.%I(text, integer[], text[], jsonb[]) owner to %I', run_as, run_as);
  end if;
end;
$$;

comment on function tideway_private.ensure_runner(name) is
  'Makes the function through which a mapping''s statements run with the rights of its own role.';
