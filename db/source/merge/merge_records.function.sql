create or replace function tideway_private.merge_records(
  map       tideway.mappings,
  ords      integer[],
  fields    jsonb[],
  vals      jsonb[],
  rows      jsonb[],
  link_ids  bigint[],
  settled   boolean[],
  compared  boolean[],
  modified  timestamptz[],
  covered   jsonb[],
  force     boolean,
  of_records bigint
)
returns table (
  ord        integer,
  writes     jsonb,
  local_set  jsonb,
  remote_set jsonb,
  sent_done  text[],
  conflicts  jsonb,
  waits      boolean,
  resend     text[],
  held       boolean,
  push       boolean,
  emptied    text[]
)
language sql
stable
set search_path = ''
as $$
  -- "offset 0" keeps the steps apart: each is computed once, and nothing is stored between them.
  with record as materialized (
    select r.ord, r.fields, r.vals, r.row_image, r.settled, r.compared, r.modified, r.covered,
           coalesce(l.local_image, '{}') as local_image,
           coalesce(l.local_image || l.remote_diff, '{}') as remote_image,
           l.sent, l.sent_local, coalesce(l.sent_before, '{}') as sent_before, coalesce(l.resent, 0) as resent, l.answered_at is not null as answered, coalesce(l.decisions, '{}') as decisions
      from unnest(ords, fields, vals, rows, link_ids, settled, compared, modified, covered)
           as r (ord, fields, vals, row_image, link_id, settled, compared, modified, covered)
      left join tideway_private.links l on l.id = r.link_id
  ), value as (
    select r.ord, c.field, c.local, c.type, c.authority, c.conflict, c.direction, r.settled, r.compared,
           r.row_image, r.resent, r.answered,
           coalesce(r.covered, '[]') ? c.local as covered,
           r.fields -> c.remote as remote,
           r.vals -> c.field as incoming,
           -- An app that tells no time of change may have it in a column.
           case when c.conflict like 'newest:%' then coalesce(r.modified, (r.vals ->> (
             select x.field from tideway.mapping_columns x where x.mapping_id = map.id and x.local = pg_catalog.substr(c.conflict, 8)))::timestamptz)
           end as modified,
           coalesce(r.row_image -> c.field, 'null') as present,
           r.local_image -> c.field as local_before,
           r.remote_image -> c.field as remote_before,
           r.sent -> c.field as sent,
           r.sent_local -> c.field as sent_local,
           coalesce(r.sent_before -> c.field, '[]') as sent_before,
           r.decisions -> c.field as decision
      from record r
      join tideway.mapping_columns c
        on c.mapping_id = map.id
       and c.direction <> 'none'
       and r.vals ? c.field
       -- A field that both sides know as it is has nothing to merge; of most records that is every field but one.
       and not (r.local_image ? c.field
                and coalesce(r.fields -> c.remote = r.remote_image -> c.field, false)
                and (not r.compared or coalesce(r.row_image -> c.field, 'null') = r.local_image -> c.field)
                and not coalesce(r.sent ? c.field, false)
                and not r.decisions ? c.field
                and not force)
    offset 0
  ), known as (
    select v.*, v.remote = v.sent or v.sent is not null and v.type = 'number' and tideway_private.same_value(v.sent, v.remote, v.type) as as_sent
      from value v
    offset 0
  ), shown as (
    -- What a read says of a write of ours: kept, not kept, or changed by somebody after it.
    select v.*,
           v.sent is not null and not v.settled as waits,
           v.sent is not null and v.settled and v.as_sent as kept,
           v.sent is not null and v.settled and not v.as_sent
             -- A record that we made and never saw showed nothing before.
             and (coalesce(v.remote = v.remote_before, false) or tideway_private.was_sent(v.sent_before, v.remote, v.type)) as lost
      from known v
    offset 0
  ), image as (
    select s.*,
           -- Of a write without an answer nobody knows whether it ever arrived: the row's own change may still be news to the app.
           case when s.sent is not null and not s.waits and not s.lost and (s.kept or s.answered)
                then s.sent_local else s.local_before end as local_base,
           case when s.kept then s.remote else s.remote_before end as remote_base
      from shown s
    offset 0
  ), change as (
    select i.*,
           i.local_base is null as first,
           coalesce(i.remote <> i.remote_base, true) as remote_changed,
           i.present is distinct from i.local_base as local_changed,
           -- Who wins when both sides differ: the field's authority, its own policy, or the default of the mapping's direction.
           case
             when i.authority = 'source_of_truth' then 'remote'
             when i.conflict is not null then i.conflict
             when i.direction = 'pull' then 'remote'
             when i.local_base is null then 'manual'
             else 'remote'
           end as policy
      from image i
    offset 0
  ), judged as (
    select c.*,
           -- A column that loses its value in many records of one page looks like a hidden field or a broken export.
           c.incoming = 'null' and c.direction <> 'push'
             and pg_catalog.count(*) filter (where c.remote_changed and not c.first and c.incoming = 'null' and c.local_base <> 'null') over (partition by c.field)
                 > greatest(10, map.max_delete_ratio * of_records) as emptied,
           case
             when c.policy like 'newest:%' then
               case when c.modified is null
                      or c.modified > (c.row_image ->> ('@' || pg_catalog.substr(c.policy, 8)))::timestamptz
                      or (c.row_image ->> ('@' || pg_catalog.substr(c.policy, 8))) is null
                    then 'remote' else 'local' end
             -- Two quantities that never agreed have no difference to add.
             when c.policy like 'delta%' and c.first then coalesce(nullif(pg_catalog.substr(c.policy, 7), ''), 'manual')
             when c.policy like 'delta%' then
               case when pg_catalog.jsonb_typeof(c.incoming) = 'number' and pg_catalog.jsonb_typeof(c.present) = 'number'
                         and pg_catalog.jsonb_typeof(c.local_base) = 'number' then 'delta' else 'manual' end
             else c.policy
           end as winner
      from change c
    offset 0
  ), decided as (
    select j.*,
           case
             when j.waits then 'wait'
             when j.emptied and not force and j.decision is null and j.remote_changed and not j.first and j.local_base <> 'null' then 'emptied'
             -- Only a write that the app said it took can show that it keeps none.
             when j.lost then case when j.resent > 1 and j.answered then 'give_up' else 'resend' end
             -- What only goes out is never written here; what the app shows instead is answered by ours.
             when j.direction = 'push' then
               case when j.incoming = j.present and (j.first or j.remote_changed or j.kept) then 'agree'
                    -- An empty row must not empty the record that it meets for the first time: they agree to differ.
                    when j.first and j.present = 'null' then 'reference'
                    when j.first or j.remote_changed then 'keep'
                    when j.kept then 'settle' else 'none' end
             when j.decision ->> 'choice' = 'local' then 'keep'
             when j.decision ->> 'choice' = 'value' then 'value'
             when force or j.decision ->> 'choice' = 'remote' then 'write'
             when j.covered and (j.first or j.remote_changed) and j.incoming is distinct from j.present then 'covered'
             when j.authority = 'reference' and (j.first or j.remote_changed) then 'reference'
             when j.incoming = j.present and (j.first or j.remote_changed or j.kept or j.local_changed) then 'agree'
             when j.first and j.incoming = 'null' then 'keep'
             when j.first and j.present = 'null' then 'write'
             when j.first or (j.remote_changed and j.local_changed) then
               case j.winner when 'remote' then 'write' when 'local' then 'keep' when 'delta' then 'delta' else 'hold' end
             when j.remote_changed then 'write'
             when j.kept then 'settle'
             when j.compared and j.local_changed and j.authority is distinct from 'reference'
                  and (j.authority = 'source_of_truth' or j.direction = 'pull') and j.winner = 'remote' then 'revert'
             else 'none'
           end as verdict
      from judged j
    offset 0
  ), moved as (
    -- A value that is not taken: the sides agree to differ, unless ours is still to be pushed.
    select d.*,
           d.verdict in ('keep', 'covered', 'reference')
             and (not d.first or d.verdict = 'reference' or d.direction = 'pull' or d.decision is not null) as moves,
           -- Where ours stays although theirs is known, theirs is what both sides know now, and ours goes out as a change.
           (d.verdict = 'keep' and d.decision is not null)
             or (d.verdict = 'keep' and d.direction = 'push')
             or (d.verdict in ('keep', 'covered') and d.first and d.direction <> 'pull' and d.incoming <> 'null') as decided
      from decided d
    offset 0
  )
  select d.ord,
         pg_catalog.jsonb_object_agg(d.field, case d.verdict
             when 'delta' then pg_catalog.to_jsonb(((d.present)::numeric + (d.incoming)::numeric - (d.local_base)::numeric))
             when 'value' then d.decision -> 'value'
             else d.incoming end)
           filter (where (d.verdict in ('write', 'revert', 'delta') and d.incoming is distinct from d.present) or d.verdict = 'value'),
         pg_catalog.jsonb_object_agg(d.field, case
             when d.verdict in ('write', 'revert', 'agree', 'value') or d.decided then d.incoming
             when d.verdict = 'delta' then pg_catalog.to_jsonb((d.incoming)::numeric)
             -- A write lost twice: the sides agree to differ, or every later look would send it again.
             when d.verdict = 'give_up' then d.sent_local
             else coalesce(d.local_base, d.present) end)
           filter (where d.verdict in ('write', 'revert', 'agree', 'delta', 'settle', 'value', 'give_up') or d.moves or d.decided),
         pg_catalog.jsonb_object_agg(d.field, d.remote)
           filter (where d.verdict in ('write', 'revert', 'agree', 'delta', 'settle', 'value', 'give_up') or d.moves or d.decided),
         pg_catalog.array_agg(d.field) filter (where d.sent is not null and d.verdict not in ('wait', 'resend', 'give_up', 'hold')),
         pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
             'column', d.local, 'policy', d.policy, 'old', d.local_base, 'local', d.present, 'remote', d.incoming,
             'kind', case when d.verdict = 'covered' then 'lower_priority' when d.verdict = 'revert' then 'local_edit_reverted'
                          when d.first then 'insert_exists' else 'update_origin_differs' end,
             'resolution', case d.verdict when 'write' then 'remote' when 'revert' then 'remote' when 'keep' then 'local'
                                          when 'covered' then 'local' when 'delta' then 'delta' end))
           filter (where d.verdict in ('covered', 'revert', 'delta', 'hold')
                      or (d.verdict in ('write', 'keep') and d.decision is null and d.incoming is distinct from d.present and d.row_image is not null
                          and ((d.first and d.incoming <> 'null' and d.present <> 'null' and d.authority is distinct from 'source_of_truth')
                               or (not d.first and d.remote_changed and d.local_changed)))),
         pg_catalog.bool_or(d.verdict = 'wait'),
         pg_catalog.array_agg(d.field) filter (where d.verdict in ('resend', 'give_up')),
         pg_catalog.bool_or(d.verdict = 'hold'),
         pg_catalog.bool_or(d.verdict in ('keep', 'covered', 'resend', 'value') or (d.verdict = 'delta' and d.present is distinct from d.local_base)),
         pg_catalog.array_agg(d.local) filter (where d.verdict = 'emptied')
    from moved d
   group by d.ord
$$;

comment on function tideway_private.merge_records(tideway.mappings, integer[], jsonb[], jsonb[], jsonb[], bigint[], boolean[], boolean[], timestamptz[], jsonb[], boolean, bigint) is
  'Merges records with rows field by field, each side against its own past: what to write, how the images move, what is a conflict.';
