create or replace function tideway.suggest_columns(connection text, remote_table text, local_table regclass)
returns table (local text, remote text, type text, local_type text, score numeric, reason text)
language sql
stable
set search_path = ''
as $$
  with local_columns as (
    select c.name, c.type,
           regexp_replace(lower(c.name), '[^[:alnum:]]', '', 'g') as plain,
           regexp_replace(lower((select k.relname from pg_catalog.pg_class k where k.oid = local_table)), '[^[:alnum:]]', '', 'g') as table_plain
      from tideway_private.table_columns(local_table) c
     where not c.generated
  ), remote_columns as (
    select r.name, r.type, x.system,
           regexp_replace(lower(r.name), '[^[:alnum:]]', '', 'g') as plain,
           regexp_replace(lower(coalesce(r.title, r.name)), '[^[:alnum:]]', '', 'g') as title_plain,
           r.name in ('$rowID', '$id') as is_remote_id
      from tideway_private.named_connection(suggest_columns.connection) x
      join tideway.remote_columns r on r.connection_id = x.id
     where r.remote_table = suggest_columns.remote_table
       and r.missing_since is null
  ), pairs as (
    select l.name as local, r.name as remote, r.type, l.type as local_type, s.score, s.reason
      from local_columns l
      cross join remote_columns r
      cross join lateral (
        select case
                 when r.is_remote_id then
                   case when l.plain in (regexp_replace(r.system, '_', '', 'g') || 'rowid', 'rowid') then 1.0
                        when l.plain in (regexp_replace(r.system, '_', '', 'g') || 'id', 'remoteid', 'externalid') then 0.95 end
                 when l.name = r.name then 1.0
                 when l.plain = r.plain or l.plain = r.title_plain then 0.95
                 when l.plain in (l.table_plain || r.plain, r.plain || 's') or r.plain in (l.table_plain || l.plain, l.plain || 's', rtrim(l.table_plain, 's') || l.plain) then 0.85
                 when length(l.plain) > 4 and length(r.plain) > 4 and (l.plain like '%' || r.plain or r.plain like '%' || l.plain) then 0.6
               end as score,
               case
                 when r.is_remote_id then 'the app''s own row id'
                 when l.name = r.name then 'same name'
                 when l.plain = r.plain then 'same name, written differently'
                 when l.plain = r.title_plain then 'same as its title'
                 else 'similar name'
               end as reason) s
     where s.score is not null
       and tideway_private.converts(r.type, l.type)
  ), ranked as (
    select p.*,
           row_number() over (partition by p.local order by p.score desc, p.remote) as of_local,
           row_number() over (partition by p.remote order by p.score desc, p.local) as of_remote
      from pairs p
  )
  select r.local, r.remote, r.type, r.local_type, r.score, r.reason
    from ranked r
   where r.of_local = 1
     and r.of_remote = 1
   order by r.score desc, r.local
$$;

comment on function tideway.suggest_columns(text, text, regclass) is
'Which local column belongs to which column of the app, by name and type; map takes those with a score of 0.8 or more when no columns are given.

Knows what tideway.discover(connection) has read.

  select * from tideway.suggest_columns(''shop'', ''products'', ''public.products'');';
