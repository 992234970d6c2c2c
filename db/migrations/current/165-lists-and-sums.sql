set local role tideway_owner;

-- Every batch asks whether any item narrows its row; where none does the answer must cost nothing.
create index if not exists sync_list_narrowed_idx on tideway.sync_list (org_id) where is_active and fields is not null;

-- Takes more than before.
drop function if exists tideway.add_pattern_to_sync_list(text, text, text, text, integer);

alter table tideway.mapping_columns drop constraint if exists mapping_columns_conflict_check;
alter table tideway.mapping_columns add constraint mapping_columns_conflict_check
  check (conflict ~ '^(remote|local|delta(:(remote|local))?|manual|newest:.+)$');

reset role;
