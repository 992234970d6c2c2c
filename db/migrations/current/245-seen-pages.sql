set local role tideway_owner;

-- A row for each page that a read saw, where each record had one: that was a third of what an unchanged page cost.
create unlogged table if not exists tideway_private.seen_pages (
  run_id      uuid              not null,
  remote_ids  text[] collate "C" not null
);

create index if not exists seen_pages_run_id_idx on tideway_private.seen_pages (run_id);

alter table tideway_private.seen_pages
  alter column remote_ids set storage external;

do $$
begin
  if to_regclass('tideway_private.seen_ids') is not null then
    insert into tideway_private.seen_pages (run_id, remote_ids)
    select s.run_id, array_agg(s.remote_id)
      from (select s.*, row_number() over (partition by s.run_id) / 10000 as page from tideway_private.seen_ids s) as s
     group by s.run_id, s.page;
    drop table tideway_private.seen_ids;
  end if;
end;
$$;

reset role;
