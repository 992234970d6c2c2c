import type { Database } from '../database.ts';

/** Carries out deletions that the app confirmed by id, and those that somebody approved. */
export async function applyDeletions(
  database: Database,
  mapping: number,
  epoch: string,
  asked: string,
  ids: readonly string[],
): Promise<void> {
  await database`
    select tideway_private.apply_deletions(${mapping}, null, ${epoch}, ${asked}, ${database.array([...ids], 1009)})`;
}
