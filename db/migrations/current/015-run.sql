-- The functions through which mappings run with their own role's rights; made by map(), one a role.
create schema if not exists tideway_run authorization tideway_owner;
