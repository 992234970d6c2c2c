import type { Database } from '../database.ts';

/** Goes on from another position; returns how many mappings are compared. */
export async function distrustPosition(
  database: Database,
  slot: string,
  epoch: string,
  lsn: string,
  doubt: string,
): Promise<number> {
  const [row] = await database<{ asked: number }[]>`
    select tideway_private.distrust_position(${slot}, ${epoch}, ${lsn}, ${doubt}) as asked`;
  return row?.asked ?? 0;
}
