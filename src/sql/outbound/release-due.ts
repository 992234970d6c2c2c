import type { Database } from '../database.ts';

/** Moves retries whose time has come back into the outbox. */
export async function releaseDue(database: Database, mapping: number): Promise<number> {
  const [row] = await database<{ rows: number }[]>`select tideway_private.release_due(${mapping}) as rows`;
  return row?.rows ?? 0;
}
