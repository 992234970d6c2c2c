-- Functions that only read a table ask for fewer rights.
set local role tideway_owner;
drop function if exists tideway_private.table_trouble(tideway.mappings);
reset role;
