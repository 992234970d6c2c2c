-- Every table, also one that a later migration adds: a forgotten one would show the rows of all organisations.
select tideway_private.protect(c.oid, c.oid in ('tideway.saved_search_patterns'::regclass, 'tideway.sync_list'::regclass))
  from pg_catalog.pg_class c
 where c.relnamespace in ('tideway'::regnamespace, 'tideway_private'::regnamespace)
   and c.relkind in ('r', 'p');
