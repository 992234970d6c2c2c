create or replace function tideway_private.tg_connections__guard()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_known    text[];
  v_schema   jsonb;
  v_problems text[];
  v_mappings text[];
begin
  if not pg_catalog.pg_has_role(current_user, 'tideway_daemon', 'usage')
     and not pg_catalog.pg_has_role(current_user, 'tideway_owner', 'usage')
     and coalesce(current_setting('tideway.defining', true), '') <> 'on'
  then
    perform tideway_private.raise_defined_by_functions('connections');
  end if;
  if tg_op = 'DELETE' then
    return old;
  end if;

  perform tideway_private.raise_invalid_name('connection', new.name);

  if tg_op = 'INSERT' or (new.system, new.config) is distinct from (old.system, old.config) then
    v_known := tideway_private.known_systems();
    if new.system is null or new.system <> all (v_known) then
      perform tideway_private.raise_unknown_system(new.system, v_known);
    end if;
    select s.settings_schema into v_schema from tideway.systems s where s.system = new.system;
    if v_schema is not null then
      select array_agg(p) into v_problems from tideway_private.setting_problems(v_schema, new.config) p;
      if v_problems is not null then
        perform tideway_private.raise_invalid_settings(new.name, new.system, v_problems);
      end if;
    end if;
  end if;

  if tg_op = 'UPDATE' then
    if (new.id, new.org_id) is distinct from (old.id, old.org_id) then
      perform tideway_private.raise_defined_by_functions('connections');
    end if;
    if (new.system, new.config) is distinct from (old.system, old.config) then
      if new.system <> old.system
         or tideway_private.identity_settings(new.config) <> tideway_private.identity_settings(old.config)
      then
        select array_agg(m.name order by m.name) into v_mappings
          from tideway.mappings m
         where m.connection_id = new.id
           and exists (select from tideway_private.links l where l.mapping = m.number);
        if v_mappings is not null then
          perform tideway_private.raise_fixed_identity('connection', new.name,
            case when new.system <> old.system then 'system' else 'account' end, v_mappings);
        end if;
        if exists (select from tideway_private.connection_secrets s
                    where s.connection_id = new.id
                      and s.host is distinct from new.system || ' ' || tideway_private.identity_settings(new.config))
        then
          perform tideway_private.raise_secret_wanted(new.name);
        end if;
      end if;
    end if;
    if new is distinct from old then
      new.updated_at := now();
    end if;
  end if;

  return new;
end;
$$;

comment on function tideway_private.tg_connections__guard() is
  'Checks a connection however it is written: by functions only, known system, right settings, fixed account, no secret for another host.';
