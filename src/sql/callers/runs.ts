import type { Database, Session } from '../database.ts';
import { answerOf } from './answer-of.ts';

export interface SyncOptions {
  readonly mode: string;
  readonly dry_run: boolean;
  readonly row_limit: number | null;
  readonly force_overwrite: boolean;
}

export async function syncNow(session: Session, mapping: string, options: SyncOptions): Promise<string[]> {
  const { mode, dry_run: dry, row_limit: limit, force_overwrite: force } = options;
  const rows = await session<{ run: string }[]>`
    select tideway.sync_now(${mapping}, ${mode}, ${dry}, ${limit}, ${force}) as run`;
  return rows.map(({ run }) => run);
}

export async function syncSource(session: Session, connection: string, options: SyncOptions): Promise<string[]> {
  const { mode, dry_run: dry, row_limit: limit, force_overwrite: force } = options;
  const [row] = await session<{ runs: string[] }[]>`
    select tideway_private.sync_source(${connection}, ${mode}, ${dry}, ${limit}, ${force}) as runs`;
  return row?.runs ?? [];
}

export async function deltaSync(
  session: Session,
  ids: readonly string[] | null,
  itemType: string | null,
): Promise<string[]> {
  const rows = await session<{ run: string }[]>`
    select tideway.delta_sync((select array_agg(x::uuid) from jsonb_array_elements_text(${ids === null ? null : JSON.stringify(ids)}::text::jsonb) x), ${itemType}) as run`;
  return rows.map(({ run }) => run);
}

/** For all people of an organisation (null: of every one), so the daemon's own right. */
export async function askScheduledLists(database: Database, organisation: string | null): Promise<string[]> {
  const [row] = await database<{ runs: string[] }[]>`
    select tideway_private.ask_scheduled_lists(${organisation}) as runs`;
  return row?.runs ?? [];
}

/** Whether none of them is under way; an interrupted one is taken up by the next daemon. */
export async function areOver(database: Database, runs: readonly string[]): Promise<boolean> {
  const [row] = await database<{ over: boolean }[]>`
    select not exists (select from tideway.sync_runs r
                        where r.id = any (${runs}::uuid[]) and (r.completed_at is null or r.status = 'interrupted')) as over`;
  return row?.over ?? true;
}

/** A list, in the order of the runs that are named. */
export function runResults(session: Session, runs: readonly string[]): Promise<string> {
  return answerOf(session`
    select coalesce(jsonb_agg(tideway_private.run_result(x.id) order by x.n), '[]')::text as answer
      from unnest(${runs}::uuid[]) with ordinality as x (id, n)
     where exists (select from tideway.sync_runs r where r.id = x.id)`);
}

export function runResult(session: Session, run: string): Promise<string> {
  return answerOf(session`select tideway_private.run_result(${run}::uuid)::text as answer`);
}

export function listResult(session: Session, run: string): Promise<string> {
  return answerOf(session`select tideway.sync_answer(${run}::uuid)::text as answer`);
}

export function scheduledResult(database: Database, runs: readonly string[]): Promise<string> {
  return answerOf(database`select tideway_private.scheduled_result(${runs}::uuid[])::text as answer`);
}

export interface RunsWanted {
  readonly mapping: string | null;
  readonly status: string | null;
  readonly limit: number;
}

export function listRuns(session: Session, { mapping, status, limit }: RunsWanted): Promise<string> {
  return answerOf(session`
    select coalesce(jsonb_agg(to_jsonb(x) order by x.started_at desc, x.id), '[]')::text as answer
      from (select r.id, m.name as mapping, r.data_source_id, r.tab_mapping_id, r.kind, r.trigger, r.status, r.dry_run, r.started_at, r.completed_at,
                   r.rows_processed, r.rows_created, r.rows_updated, r.rows_skipped, r.rows_deleted, r.rows_failed, r.triggered_by,
                   r.report ->> 'error' as error
              from tideway.sync_runs r
              left join tideway.mappings m on m.id = r.mapping_id
             where (${mapping}::text is null or r.mapping_id = (tideway_private.named_mapping(${mapping})).id)
               and (${status}::text is null or r.status = ${status})
             order by r.started_at desc, r.id
             limit ${limit}) x`);
}
