create or replace view tideway_private.row_links with (security_invoker = true) as
select l.id, l.mapping, l.local_key, l.remote_id, l.local_image, l.remote_diff,
       l.sent, l.local_gone_at, l.remote_gone_at, l.dormant, l.created_run, l.synced_at,
       case when l.sent is not null and l.answered_at is null then l.sent_until end as unanswered_until
  from tideway_private.links l
 where l.local_key is not null
   and (l.local_gone_at is null or l.remote_gone_at is null);

comment on view tideway_private.row_links is
  'The one link of each row: those that are gone on both sides leave the key to another. The index of keys holds only these, so links are asked for by their key here.';
