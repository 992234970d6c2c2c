create or replace function tideway_private.raise_missing_rights(what text, mend text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  raise exception '%', what
    using errcode = 'TWRTS',
          hint = mend;
end;
$$;

comment on function tideway_private.raise_missing_rights(text, text) is
  'Refuses what the caller, or the role that a mapping runs as, may not do itself.';
