create or replace function tideway_private.waiting_marks(mapping integer, up_to integer)
returns integer
language sql
stable
set search_path = ''
-- These tables are empty at most times, and then a plan that reads all of one looks cheapest; it is kept until they are full.
set enable_seqscan = off
as $$
  select pg_catalog.count(*)::integer
    from (select from tideway_private.outbox o where o.mapping = waiting_marks.mapping limit up_to) as x
$$;

comment on function tideway_private.waiting_marks(integer, integer) is
  'How many marks wait, counted up to a limit: a backfill feeds more only while there are few.';
