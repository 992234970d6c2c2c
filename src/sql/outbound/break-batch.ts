import type { Database } from '../database.ts';

/** Gives back a batch that cannot be prepared; returns how many rows it had. A row that was alone is failed. */
export async function breakBatch(
  database: Database,
  batch: string,
  epoch: string,
  code: string,
  message: string,
): Promise<number> {
  const [row] = await database<{ rows: number }[]>`
    select tideway_private.break_batch(${batch}, ${epoch}, ${code}, ${message}) as rows`;
  return row?.rows ?? 0;
}
