create or replace function tideway_private.read_transform(transform text, out chain text, out problem text)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_step      text;
  v_steps     text[] := '{}';
  v_builtin   record;
  v_name      text;
  v_argument  text;
  v_procedure regprocedure;
begin
  for v_step in select s from string_to_table(transform, '|') s loop
    v_name := btrim(split_part(v_step, ':', 1));
    v_argument := case when v_step like '%:%' then substr(v_step, strpos(v_step, ':') + 1) end;
    select * into v_builtin from tideway.builtin_transforms() b where b.name = v_name;
    if found then
      if v_builtin.argument_pattern is null and v_argument is not null then
        problem := format('the transform %s takes no argument', v_name);
      elsif v_builtin.argument_pattern is not null and coalesce(v_argument, '') !~ ('^(' || v_builtin.argument_pattern || ')$') then
        problem := format('the transform %s needs its %s after a colon', v_name, v_builtin.arguments);
      end if;
      v_steps := v_steps || (v_name || coalesce(':' || v_argument, ''));
    else
      begin
        v_procedure := to_regprocedure(regexp_replace(btrim(v_step), '\(\s*jsonb\s*\)$', '') || '(jsonb)');
      exception
        when others then v_procedure := null;
      end;
      if v_procedure is null
         or not exists (select from pg_catalog.pg_proc p where p.oid = v_procedure and p.prokind = 'f' and not p.proretset and p.prorettype = 'jsonb'::regtype)
      then
        problem := format('"%s" is neither a built-in transform nor a function (jsonb) returns jsonb%s', btrim(v_step), coalesce(
          '; did you mean ' || tideway_private.nearest_names(v_name, array(
            select b.name from tideway.builtin_transforms() b
            union all
            select format('%s.%s', n.nspname, p.proname)
              from pg_catalog.pg_proc p
              join pg_catalog.pg_namespace n on n.oid = p.pronamespace
             where p.prokind = 'f' and p.pronargs = 1 and p.proargtypes[0] = 'jsonb'::regtype and p.prorettype = 'jsonb'::regtype
               and n.nspname not in ('pg_catalog', 'information_schema', 'tideway', 'tideway_private'))) || '?', ''));
      elsif exists (select from pg_catalog.pg_proc p where p.oid = v_procedure and p.pronamespace in ('tideway'::regnamespace, 'tideway_private'::regnamespace)) then
        problem := format('"%s" is a function of Tideway itself', btrim(v_step));
      else
        select v_steps || format('%I.%I', n.nspname, p.proname) into v_steps
          from pg_catalog.pg_proc p
          join pg_catalog.pg_namespace n on n.oid = p.pronamespace
         where p.oid = v_procedure;
      end if;
    end if;
    exit when problem is not null;
  end loop;
  chain := case when problem is null then array_to_string(v_steps, '|') end;
end;
$$;

comment on function tideway_private.read_transform(text) is
  'Checks the steps of a transform, and writes functions of the user''s own as quoted, qualified names.';
