set local role tideway_owner;

-- Nobody looks links up by it, and it kept every push from updating its links in place.
drop index if exists tideway_private.links_sent_idx;

-- Checked for every link that a page makes; the guard of mappings keeps the same promise once.
alter table tideway_private.links drop constraint if exists links_mapping_fkey;

reset role;
