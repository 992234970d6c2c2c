create or replace function tideway_private.tg__touch_updated_at()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  new.updated_at := clock_timestamp();
  return new;
end;
$$;

comment on function tideway_private.tg__touch_updated_at() is 'Stamps updated_at.';
