set local role tideway_owner;

-- It has other columns now.
drop view if exists tideway_private.row_links;

reset role;
