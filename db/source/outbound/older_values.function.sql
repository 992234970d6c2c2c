create or replace function tideway_private.older_values(before jsonb, sent jsonb, next jsonb)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  -- Per field the values of ours that a late request or a slow index may still show; the last five will do.
  select before || coalesce(pg_catalog.jsonb_object_agg(n.key,
           case when pg_catalog.jsonb_array_length(coalesce(before -> n.key, '[]')) >= 5 then (before -> n.key) - 0 else coalesce(before -> n.key, '[]') end
           || pg_catalog.jsonb_build_array(sent -> n.key)), '{}')
    from pg_catalog.jsonb_each(next) n
   where sent ? n.key
     and sent -> n.key <> n.value
$$;

comment on function tideway_private.older_values(jsonb, jsonb, jsonb) is
  'Keeps what was sent for a field before a newer value was, until a read settles it.';
