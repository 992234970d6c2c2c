import type { Database } from '../database.ts';

/** How many stored deliveries it turned into work. */
export async function settleInbox(database: Database): Promise<number> {
  const [row] = await database<{ settled: number }[]>`select tideway_private.settle_inbox() as settled`;
  return row?.settled ?? 0;
}
