create or replace function tideway_private.ask_page(run uuid)
returns table (asked bigint, asked_at timestamptz, goes_on boolean)
language sql
volatile
set search_path = ''
as $$
  select a.asked, a.asked_at,
         exists (select from tideway.sync_runs r
                   join tideway.mappings m on m.id = r.mapping_id
                   join tideway.connections c on c.id = m.connection_id
                  where r.id = ask_page.run
                    and r.status = 'running'
                    and c.state = 'active'
                    and (m.state = 'active' or r.dry_run and m.state in ('draft', 'pending')))
    from tideway_private.ask_moment() a
$$;

comment on function tideway_private.ask_page(uuid) is
  'The moment of the next request of a run, and whether the run, its mapping and its connection still go on.';
