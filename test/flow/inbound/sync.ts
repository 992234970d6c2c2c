import type { Pool } from 'pg';
import { expect } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { lastRun, type RunSeen } from './runs.ts';

/** Asks for a run as a person does; its id. */
export async function sync(pool: Pool, mode: string, options = '', mapping = 'items'): Promise<string> {
  const { rows } = await pool.query<{ run: string }>(`select tideway.sync_now($1, $2 ${options}) as run`, [
    mapping,
    mode,
  ]);
  return rows[0]?.run ?? '';
}

/** The run, once it has ended. */
export function ended(pool: Pool, run: string, mapping = 'items'): Promise<RunSeen> {
  return waitFor(
    async () => {
      const found = await lastRun(pool, run, mapping);
      expect(['completed', 'completed_with_errors', 'failed']).toContain(found.status);
      return found;
    },
    { within: 60_000 },
  );
}
