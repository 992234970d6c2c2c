import type { Pool } from 'pg';

export interface RunSeen {
  readonly id: string;
  readonly kind: string;
  readonly trigger: string;
  readonly status: string;
  readonly processed: number;
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  readonly failed: number;
  readonly held: number;
  readonly pushed: number;
  readonly report: Record<string, unknown> | null;
  readonly changes: readonly Record<string, unknown>[] | null;
  readonly timings: Record<string, number>;
}

/** What the app's reads left in `tideway.sync_runs`, oldest first. */
export async function runs(pool: Pool, mapping = 'items'): Promise<RunSeen[]> {
  const { rows } = await pool.query<RunSeen>(
    `select r.id, r.kind, r.trigger, r.status, r.rows_processed::int as processed, r.rows_created::int as created, r.rows_updated::int as updated,
            r.rows_deleted::int as deleted, r.rows_failed::int as failed, r.rows_held::int as held, r.rows_pushed::int as pushed, r.report,
            r.changes, r.timings
       from tideway.sync_runs r join tideway.mappings m on m.id = r.mapping_id
      where m.name = $1
      order by r.created_at, r.id`,
    [mapping],
  );
  return rows;
}

/** The last run, or the one of that id. */
export async function lastRun(pool: Pool, id?: string, mapping = 'items'): Promise<RunSeen> {
  const found = (await runs(pool, mapping)).filter((run) => id === undefined || run.id === id).at(-1);
  if (found === undefined) throw new Error('There is no run yet.');
  return found;
}
