set local role tideway_owner;

-- Returns more than before.
drop function if exists tideway_private.push_mappings(integer);

reset role;
