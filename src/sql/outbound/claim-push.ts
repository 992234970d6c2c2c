import type { Database } from '../database.ts';

/** Moves marks into one in-flight batch; null when there is nothing to do now. `lanes` is a mask of 16 bits. */
export async function claimPush(
  database: Database,
  mapping: number,
  epoch: string,
  maxRows: number,
  lanes: number,
): Promise<string | null> {
  const [row] = await database<{ batch: string | null }[]>`
    select tideway_private.claim_push(${mapping}, ${epoch}, ${maxRows}, ${lanes})::text as batch`;
  return row?.batch ?? null;
}
