create or replace function tideway_private.maintain_partitions(parent regclass, keep interval, now timestamptz)
returns table (task text, object text, affected bigint)
language plpgsql
volatile
set search_path = ''
set timezone = 'UTC'
set lock_timeout = '1s'
as $$
declare
  v_column   name;
  v_default  regclass;
  v_month    timestamptz;
  v_part     record;
  v_made     regclass;
  v_name     text;
  v_count    bigint;
begin
  select a.attname into v_column
    from pg_catalog.pg_partitioned_table t
    join pg_catalog.pg_attribute a on a.attrelid = t.partrelid and a.attnum = t.partattrs[0]
   where t.partrelid = maintain_partitions.parent;
  select p.partition into v_default from tideway_private.partitions(parent) p where p.is_default;

  if v_default is not null then
    execute format('delete from %s where %I < %L', v_default, v_column, maintain_partitions.now - keep);
    get diagnostics v_count = row_count;
    if v_count > 0 then
      return query select 'deleted from the default partition', v_default::text, v_count;
    end if;
  end if;

  for v_month in execute format(
    'select m from generate_series(date_trunc(''month'', %1$L::timestamptz), date_trunc(''month'', %1$L::timestamptz) + interval ''3 months'', interval ''1 month'') m
     union
     (select distinct date_trunc(''month'', %2$I) from %3$s where isfinite(%2$I) order by 1 limit 24)
     order by 1',
    maintain_partitions.now, v_column, coalesce(v_default, parent))
  loop
    v_made := tideway_private.make_partition(parent, v_month);
    if v_made is not null then
      return query select 'partition made', v_made::text, null::bigint;
    end if;
  end loop;

  for v_part in select * from tideway_private.partitions(parent) p where not p.is_default order by p.lower loop
    if v_part.upper <= maintain_partitions.now - keep then
      v_name := v_part.partition::text;
      execute format('alter table %s detach partition %s', parent, v_name);
      execute format('drop table %s', v_name);
      return query select 'partition dropped', v_name, null::bigint;
    elsif not v_part.row_security then
      perform tideway_private.protect(v_part.partition);
      return query select 'row security turned on', v_part.partition::text, null::bigint;
    end if;
  end loop;
end;
$$;

comment on function tideway_private.maintain_partitions(regclass, interval, timestamptz) is
  'Makes the partitions of this month, of the next three and of rows found in the default partition; drops whole months past their time; protects those made by hand.';
