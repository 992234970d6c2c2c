create or replace function tideway_private.hold_flapping(map tideway.mappings, keys text[])
returns void
language sql
volatile
set search_path = ''
as $$
  insert into tideway_private.waiting as w (mapping, local_key, org_id, reason)
  select map.number, k, map.org_id, 'flapping'
    from unnest(keys) as k
   order by k collate "C"
  on conflict on constraint waiting_pkey do update set reason = 'flapping', due_at = null, marked = true;

  insert into tideway.conflicts (org_id, mapping_id, link_id, local_key, remote_id, "column", kind, policy, local_value, remote_value)
  select map.org_id, map.id, l.id, l.local_key, l.remote_id, '*', 'flapping', 'manual', l.local_image, l.local_image || l.remote_diff
    from tideway_private.links l
   where l.mapping = map.number
     and l.local_key = any (keys)
     and l.local_gone_at is null
  on conflict (link_id, "column") where resolved_at is null do nothing;
$$;

comment on function tideway_private.hold_flapping(tideway.mappings, text[]) is
  'Holds rows that Tideway carries to and fro again and again; somebody must say which side is right.';
