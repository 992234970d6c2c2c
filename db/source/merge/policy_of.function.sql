create or replace function tideway_private.policy_of(direction text, authority text, conflict text, first boolean)
returns text
language sql
immutable
set search_path = ''
as $$
  select case
           when authority = 'source_of_truth' then 'remote'
           when conflict is not null then conflict
           when direction = 'pull' then 'remote'
           when direction = 'push' then 'local'
           when first then 'manual'
           else 'remote'
         end
$$;

comment on function tideway_private.policy_of(text, text, text, boolean) is
  'Who wins when both sides differ: the field''s authority, its own policy, or the default of the mapping''s direction.';
