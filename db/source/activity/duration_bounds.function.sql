create or replace function tideway_private.duration_bounds()
returns bigint[]
language sql
immutable
parallel safe
set search_path = ''
as $$
  select '{1,2,5,10,20,50,100,150,200,300,500,750,1000,1500,2000,3000,5000,7500,10000,20000,30000,60000,120000,300000,600000,1800000,3600000}'::bigint[]
$$;

comment on function tideway_private.duration_bounds() is
  'The upper bounds in milliseconds of the buckets of a duration histogram; one more bucket holds what is longer. Changing them makes old histograms wrong.';
