create or replace function tideway_private.parse_records(records text)
returns table (ord bigint, rec jsonb, problem text)
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_line  record;
begin
  -- Only after the quick way has failed: one bad record must not take the page with it.
  for v_line in
    select l.n, l.line from string_to_table(records, E'\n') with ordinality as l (line, n) where l.line <> ''
  loop
    ord := v_line.n;
    begin
      rec := v_line.line::jsonb;
      problem := null;
    exception when others then
      rec := jsonb_build_object('id', substring(v_line.line from '"id"\s*:\s*"([^"\\]+)"'), 'position', substring(v_line.line from '"position"\s*:\s*(\d+)')::bigint);
      problem := case sqlstate
                   when '22P05' then 'INVALID_CHARACTER'
                   when '22P02' then 'INVALID_ENCODING'
                   when '54001' then 'PAYLOAD_TOO_LARGE'
                   else 'BAD_RESPONSE' end;
    end;
    return next;
  end loop;
end;
$$;

comment on function tideway_private.parse_records(text) is
  'Reads a page line by line and says which records cannot be stored as jsonb (NUL, half a surrogate pair, too deep).';
