create or replace function tideway.sync_now(
  mapping          text,
  mode             text default 'delta',
  dry_run          boolean default false,
  row_limit        integer default null,
  force_overwrite  boolean default false
)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_mapping tideway.mappings := tideway_private.named_mapping(sync_now.mapping);
  v_run     uuid;
begin
  perform tideway_private.one_of('mode', sync_now.mode, array['delta', 'full', 'sweep']);
  if sync_now.row_limit <= 0 then
    raise exception 'The argument row_limit cannot be %.', sync_now.row_limit
      using errcode = 'TWARG', hint = 'Give a number above 0, or leave it out for no limit.';
  end if;
  if sync_now.force_overwrite and not pg_has_role(current_user, 'tideway_operator', 'member') then
    raise exception 'Only members of tideway_operator may use force_overwrite.'
      using errcode = 'TWOPR',
            hint = format('Ask for it: grant tideway_operator to %I; or leave force_overwrite out.', current_user);
  end if;

  v_run := tideway_private.pending_run(v_mapping, sync_now.mode, coalesce(sync_now.dry_run, false), sync_now.row_limit,
                                       coalesce(sync_now.force_overwrite, false));
  perform tideway_private.ask('sync', v_mapping.number, null,
    jsonb_build_object('mode', sync_now.mode, 'dry_run', coalesce(sync_now.dry_run, false), 'row_limit', sync_now.row_limit,
                       'force_overwrite', coalesce(sync_now.force_overwrite, false)),
    v_run);
  return v_run;
end;
$$;

comment on function tideway.sync_now(text, text, boolean, integer, boolean) is
'Starts a run of a mapping within a second of the commit and returns its id; the answer is the row of tideway.sync_runs.

mode: delta (what changed), full (every record again), sweep (compare both sides, find deletions). dry_run computes and writes nothing.
force_overwrite lets the remote side win every field and is for members of tideway_operator.

  select tideway.sync_now(''products'', mode => ''full'', row_limit => 100);';
