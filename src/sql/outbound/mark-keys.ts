import type { Database } from '../database.ts';

/** Bits of a mark. */
export const ASKED_FOR = 4;
export const ASKED_IN_FULL = 8;

export async function markKeys(
  database: Database,
  mapping: number,
  keys: readonly string[],
  op: number,
): Promise<number> {
  const [row] = await database<{ rows: number }[]>`
    select tideway_private.mark_keys(${mapping}, ${keys}, ${op}::smallint) as rows`;
  return row?.rows ?? 0;
}

/** How many marks wait, counted up to a limit. */
export async function waitingMarks(database: Database, mapping: number, upTo: number): Promise<number> {
  const [row] = await database<{ marks: number }[]>`
    select tideway_private.waiting_marks(${mapping}, ${upTo}) as marks`;
  return row?.marks ?? 0;
}
