import type { Database } from '../database.ts';

/** Pauses the connection as unauthorized; false when somebody else had done so. */
export async function rejectSecret(
  database: Database,
  connection: number,
  epoch: string,
  reason: string,
): Promise<boolean> {
  const [row] = await database<{ done: boolean }[]>`
    select tideway_private.reject_secret(${connection}, ${epoch}, ${reason}) as done`;
  return row?.done ?? false;
}
