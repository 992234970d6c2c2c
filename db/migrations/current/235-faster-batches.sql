-- Functions that only read a table ask for fewer rights, and the numbers of transactions are widened together.
set local role tideway_owner;
drop function if exists tideway_private.table_trouble(tideway.mappings);
drop function if exists tideway_private.widen_xid(bigint);
reset role;
