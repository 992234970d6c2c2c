create or replace function tideway_private.make_partition(parent regclass, month timestamptz)
returns regclass
language plpgsql
volatile
set search_path = ''
set timezone = 'UTC'
set lock_timeout = '1s'
as $$
declare
  v_lower      timestamptz := date_trunc('month', make_partition.month);
  v_upper      timestamptz := date_trunc('month', make_partition.month) + interval '1 month';
  v_schema     name;
  v_parent     name;
  v_name       name;
  v_column     name;
  v_columns    text;
  v_default    regclass;
  v_partition  regclass;
begin
  select n.nspname, c.relname, a.attname
    into v_schema, v_parent, v_column
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_partitioned_table t on t.partrelid = c.oid
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = t.partattrs[0]
   where c.oid = make_partition.parent;
  v_name := v_parent || to_char(v_lower, '"_"YYYY"_"MM');
  if to_regclass(format('%I.%I', v_schema, v_name)) is not null then
    return null;
  end if;

  -- A partition made by hand in another time zone leaves or takes some hours of its neighbour's month.
  select coalesce(max(p.upper), v_lower) into v_lower
    from tideway_private.partitions(make_partition.parent) p
   where p.lower <= v_lower and p.upper > v_lower - interval '1 day' and p.upper < v_upper;
  select coalesce(min(p.lower), v_upper) into v_upper
    from tideway_private.partitions(make_partition.parent) p
   where p.lower >= v_lower and p.lower < v_upper;
  if v_lower >= v_upper
     or exists (select from tideway_private.partitions(make_partition.parent) p where p.lower <= v_lower and p.upper >= v_upper) then
    return null;
  end if;

  select p.partition into v_default from tideway_private.partitions(make_partition.parent) p where p.is_default;

  -- Who writes a row of now chooses its partition first and waits for ours afterwards, too late: so it waits for the parent.
  if v_lower <= clock_timestamp() then
    execute format('lock table only %s in share row exclusive mode', make_partition.parent);
  end if;
  -- Attaching refuses rows of this month in the default partition, so nobody may add one in between.
  if v_default is not null then
    execute format('lock table %s in access exclusive mode', v_default);
  end if;
  execute format('create table %I.%I (like %s including all)', v_schema, v_name, make_partition.parent);
  v_partition := format('%I.%I', v_schema, v_name)::regclass;
  if v_default is not null then
    select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into v_columns
      from pg_catalog.pg_attribute a
     where a.attrelid = make_partition.parent and a.attnum > 0 and not a.attisdropped and a.attgenerated = '';
    execute format('with moved as (delete from %1$s where %2$I >= %3$L and %2$I < %4$L returning *) insert into %5$s (%6$s) select %6$s from moved',
                   v_default, v_column, v_lower, v_upper, v_partition, v_columns);
  end if;
  execute format('alter table %s attach partition %s for values from (%L) to (%L)', make_partition.parent, v_partition, v_lower, v_upper);
  execute format('comment on table %s is %L', v_partition,
                 format('The rows of %s from %s to %s (UTC).', v_parent, to_char(v_lower, 'YYYY-MM-DD'), to_char(v_upper, 'YYYY-MM-DD')));
  perform tideway_private.protect(v_partition);
  return v_partition;
end;
$$;

comment on function tideway_private.make_partition(regclass, timestamptz) is
'Makes the partition of a month (UTC), moves its rows out of the default partition, and protects it; null when the month has one.

  select tideway_private.make_partition(''tideway.sync_activity_log'', now() + interval ''1 month'');';
