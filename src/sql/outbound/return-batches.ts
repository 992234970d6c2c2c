import type { Database } from '../database.ts';

/** Gives back what earlier owners had in flight; with a mapping, also what a failed worker of ours left there. */
export async function returnBatches(
  database: Database,
  connection: number,
  epoch: string,
  mapping: number | null = null,
): Promise<number> {
  const [row] = await database<{ rows: number }[]>`
    select tideway_private.return_batches(${connection}, ${epoch}, ${mapping}) as rows`;
  return row?.rows ?? 0;
}
