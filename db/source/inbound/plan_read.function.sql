create or replace function tideway_private.plan_read(mapping integer, kind text, definition text, due_at timestamptz)
returns void
language sql
volatile
set search_path = ''
as $$
  insert into tideway_private.due_reads as d (mapping, kind, org_id, definition, due_at)
  select m.number, plan_read.kind, m.org_id, plan_read.definition, plan_read.due_at
    from tideway.mappings m
   where m.number = plan_read.mapping
  on conflict on constraint due_reads_pkey do update
     set definition = excluded.definition, due_at = excluded.due_at
$$;

comment on function tideway_private.plan_read(integer, text, text, timestamptz) is
  'Stores when a mapping is polled or swept next; every daemon acts on what is stored, and views show it.';
