create or replace function tideway_private.read_options(mapping text, options jsonb)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_settings jsonb := '{}';
  v_problems text[] := '{}';
  v_names    text[] := array(select o.name from tideway_private.mapping_options() o);
  v_name     text;
  v_value    jsonb;
  v_text     text;
  v_option   record;
  v_problem  text;
  v_oid      oid;
begin
  if jsonb_typeof(options) <> 'object' then
    perform tideway_private.raise_invalid_options(mapping, array['The options must be a JSON object.']);
  end if;

  select jsonb_object_agg(o.name, o.otherwise) filter (where o.name not in ('filter', 'run_as')) into v_settings
    from tideway_private.mapping_options() o;
  v_settings := v_settings || '{"local_filter": null, "remote_filter": null, "pattern": null, "only_listed": false, "run_as": null}';

  for v_name, v_value in select e.key, e.value from jsonb_each(options) e order by e.key loop
    select * into v_option from tideway_private.mapping_options() o where o.name = v_name;
    if not found then
      v_problems := v_problems || format('%s: there is no such option%s.', v_name,
        coalesce('; did you mean ' || tideway_private.nearest_names(v_name, v_names) || '?', ''));
      continue;
    end if;
    continue when v_value = 'null';

    v_problem := null;
    v_text := v_value #>> '{}';
    case v_option.kind
      when 'boolean' then
        v_problem := case when jsonb_typeof(v_value) <> 'boolean' then 'must be true or false' end;
      when 'integer', 'number' then
        v_problem := case
          when jsonb_typeof(v_value) <> 'number' then 'must be a number'
          when v_option.kind = 'integer' and v_text !~ '^-?\d{1,9}$' then 'must be a whole number'
          when v_text::numeric not between split_part(v_option.rule, '..', 1)::numeric and split_part(v_option.rule, '..', 2)::numeric
            then 'must lie in ' || v_option.rule end;
      when 'text' then
        v_problem := case when jsonb_typeof(v_value) <> 'string' or v_text = '' then 'must be a text' end;
      when 'choice' then
        v_problem := case when v_text is null or v_text <> all (string_to_array(v_option.rule, '|'))
                       then 'must be one of ' || replace(v_option.rule, '|', ', ') end;
      when 'delete' then
        v_problem := case when jsonb_typeof(v_value) <> 'string' or v_text !~ '^(ignore|delete|soft_delete:.+)$'
                       then 'must be ignore, delete or soft_delete:column' end;
      when 'interval' then
        if not tideway.input_is_valid(v_text, 'interval') then
          v_problem := 'must be an interval such as 5 min';
        elsif v_text::interval < '0' or v_option.rule = '> 0' and v_text::interval = '0' then
          v_problem := 'must be ' || v_option.rule;
        else
          v_value := to_jsonb(v_text::interval::text);
        end if;
      when 'schedule' then
        v_problem := case
          when jsonb_typeof(v_value) <> 'string' then 'must be an interval such as 5 min, or five cron fields'
          when v_text = 'manual' then null
          when v_text ~ '^\s*(\S+\s+){4}\S+\s*$' and v_text !~ '^\s*([-0-9*/,A-Za-z]+\s+){4}[-0-9*/,A-Za-z]+\s*$' then 'has five fields, but not of cron'
          when v_text ~ '^\s*([-0-9*/,A-Za-z]+\s+){4}[-0-9*/,A-Za-z]+\s*$' and v_text ~ '[*/]|^\s*\d+\s+\d+' then null
          when not tideway.input_is_valid(v_text, 'interval') then 'must be an interval such as 5 min, or five cron fields'
          when v_text::interval < '1 s' then 'must be a second or longer' end;
      when 'names' then
        if jsonb_typeof(v_value) = 'string' then
          v_value := jsonb_build_array(v_value);
        end if;
        v_problem := case
          when jsonb_typeof(v_value) <> 'array' or jsonb_path_exists(v_value, '$[*] ? (@.type() <> "string")') then 'must be a list of column names'
          when jsonb_array_length(v_value) not between 1 and v_option.rule::integer then format('must name one to %s columns', v_option.rule) end;
      when 'object' then
        v_problem := case when jsonb_typeof(v_value) <> 'object' then 'must be an object' end;
      when 'windows' then
        v_problem := case
          when jsonb_typeof(v_value) <> 'array' then 'must be a list of {"days", "from", "to"}'
          when exists (select from jsonb_array_elements(v_value) w
                        where jsonb_typeof(w) <> 'object'
                           or w - array['days', 'from', 'to'] <> '{}'
                           or coalesce(w ->> 'from', '') !~ '^([01]\d|2[0-3]):[0-5]\d$'
                           or coalesce(w ->> 'to', '') !~ '^(([01]\d|2[0-3]):[0-5]\d|24:00)$'
                           or coalesce(w ->> 'days', '*') !~ '^(\*|[0-7](-[0-7])?(,[0-7](-[0-7])?)*)$')
            then 'each must look like {"days": "1-5", "from": "08:00", "to": "18:00"}' end;
      when 'read' then
        v_problem := case
          when jsonb_typeof(v_value) <> 'object' or v_value - array['name', 'key', 'ttl'] <> '{}' then 'must be {"name", "key", "ttl"}'
          when coalesce(v_value ->> 'name', '') !~ '^[A-Za-z0-9_-]+$' then 'needs a name of letters, digits, - and _'
          when v_value ? 'ttl' and not tideway.input_is_valid(v_value ->> 'ttl', 'interval') then 'has a ttl that is no interval' end;
      when 'caches' then
        if jsonb_typeof(v_value) = 'string' then
          v_value := jsonb_build_array(v_value);
        end if;
        v_problem := case
          when jsonb_typeof(v_value) <> 'array' or jsonb_path_exists(v_value, '$[*] ? (@.type() <> "string")')
               or exists (select from jsonb_array_elements_text(v_value) c where c !~ '^([A-Za-z0-9_-]+|https?://[^[:space:]]+)$')
            then 'must be names of read caches and http(s) URLs' end;
      when 'function' then
        select p.oid into v_oid
          from unnest(array['()', '(uuid)', '(jsonb)']) with ordinality as s (arguments, n)
          join pg_catalog.pg_proc p on p.oid = case when v_text ~ '^[^()]+$' then to_regprocedure(v_text || s.arguments)
                                                    else to_regprocedure(v_text) end
         where p.prokind = 'f'
         order by s.n
         limit 1;
        if v_oid is null then
          v_problem := 'must be a function with its schema, without arguments or with (uuid), the run';
        else
          v_value := to_jsonb(v_oid::regprocedure::text);
        end if;
      when 'role' then
        v_problem := case when not exists (select from pg_catalog.pg_roles r where r.rolname = v_text) then 'must be a role' end;
      when 'filter' then
        if jsonb_typeof(v_value) = 'string' then
          v_value := case when v_text = 'list' then '{"list": true}' else jsonb_build_object('local', v_text) end;
        end if;
        v_problem := case
          when jsonb_typeof(v_value) <> 'object' then 'must be a text or an object'
          when v_value - array['local', 'remote', 'pattern', 'list'] <> '{}' then 'may have local, remote, pattern and list'
          when v_value ? 'list' and jsonb_typeof(v_value -> 'list') <> 'boolean' then 'list must be true or false'
          when jsonb_path_exists(v_value - 'list', '$.* ? (@.type() <> "string")') then 'local, remote and pattern must be texts' end;
        v_settings := v_settings || jsonb_build_object('local_filter', v_value ->> 'local', 'remote_filter', v_value ->> 'remote',
          'pattern', v_value ->> 'pattern', 'only_listed', coalesce(v_value -> 'list', 'false'));
        v_value := null;
      else
        null;
    end case;

    if v_problem is not null then
      v_problems := v_problems || format('%s: %s.', v_name, v_problem);
    elsif v_value is not null then
      v_settings := v_settings || jsonb_build_object(v_name, v_value);
    end if;
  end loop;

  if v_problems <> '{}' then
    perform tideway_private.raise_invalid_options(mapping, v_problems);
  end if;
  return v_settings;
end;
$$;

comment on function tideway_private.read_options(text, jsonb) is
  'Turns the options of map into columns of tideway.mappings; raises TWOPT with every problem at once.';
