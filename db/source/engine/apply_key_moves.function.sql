create or replace function tideway_private.apply_key_moves(mapping integer)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_snapshot  pg_snapshot := pg_current_snapshot();
  v_move      record;
  v_links     jsonb := '{}';
  v_queue     jsonb;
  v_waits     boolean := false;
  v_done      bigint := 0;
begin
  if not exists (select from tideway_private.key_moves k where k.mapping = apply_key_moves.mapping) then
    return true;
  end if;

  -- In WAL order, so that chains and swaps end as they did in the table. A key may be held by two rows
  -- for a moment (a deferred constraint), so each key keeps a queue and the longest holder moves first.
  for v_move in
    select k.* from tideway_private.key_moves k where k.mapping = apply_key_moves.mapping order by k.id
  loop
    if v_move.xid is not null and not pg_visible_in_snapshot(v_move.xid, v_snapshot) then
      v_waits := true;
      exit;
    end if;
    if not v_links ? v_move.old_key then
      v_links := v_links || jsonb_build_object(v_move.old_key, coalesce(
        (select jsonb_agg(l.id) from tideway_private.row_links l
          where l.mapping = apply_key_moves.mapping and l.local_key = v_move.old_key), '[]'));
    end if;
    if not v_links ? v_move.new_key then
      v_links := v_links || jsonb_build_object(v_move.new_key, coalesce(
        (select jsonb_agg(l.id) from tideway_private.row_links l
          where l.mapping = apply_key_moves.mapping and l.local_key = v_move.new_key), '[]'));
    end if;
    v_queue := v_links -> v_move.old_key;
    if jsonb_array_length(v_queue) > 0 then
      v_links := v_links || jsonb_build_object(v_move.old_key, v_queue - 0, v_move.new_key, (v_links -> v_move.new_key) || (v_queue -> 0));
    end if;
    v_done := v_move.id;
  end loop;

  -- Out of the way first: the unique index knows no deferral.
  update tideway_private.links l
     set local_key = E'\x01' || l.id
    from jsonb_each(v_links) as e (key, ids), jsonb_array_elements_text(e.ids) as i (id)
   where l.id = i.id::bigint
     and l.local_key is distinct from e.key;
  update tideway_private.links l
     set local_key = e.key,
         touched_at = nextval('tideway_private.moments')
    from jsonb_each(v_links) as e (key, ids), jsonb_array_elements_text(e.ids) as i (id)
   where l.id = i.id::bigint
     and l.local_key is distinct from e.key
     and i.id = e.ids ->> 0;

  delete from tideway_private.key_moves k where k.mapping = apply_key_moves.mapping and k.id <= v_done;
  return not v_waits;
end;
$$;

comment on function tideway_private.apply_key_moves(integer) is
  'Moves links to the keys that their rows have now; false while a move is in the WAL but not visible yet, and the caller must come back.';
