import type { Database } from '../database.ts';

export interface RunState {
  readonly status: string;
  readonly kind: string;
  readonly read: number;
  /** How many there are; null when the app does not say. */
  readonly total: number | null;
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  readonly failed: number;
  readonly held: number;
  readonly pushed: number;
  readonly error: string | null;
}

/** How a run stands. */
export async function watchRun(database: Database, run: string): Promise<RunState | undefined> {
  const [row] = await database<RunState[]>`
    select r.status, r.kind, r.rows_processed::int as read, r.total_items::int as total, r.rows_created::int as created, r.rows_updated::int as updated,
           r.rows_deleted::int as deleted, r.rows_failed::int as failed, r.rows_held::int as held, r.rows_pushed::int as pushed,
           r.report ->> 'error' as error
      from tideway.sync_runs r
     where r.id = ${run}`;
  return row;
}
