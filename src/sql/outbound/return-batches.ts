import type { Database } from '../database.ts';

export async function returnBatches(database: Database, connection: number, epoch: string): Promise<number> {
  const [row] = await database<{ rows: number }[]>`
    select tideway_private.return_batches(${connection}, ${epoch}) as rows`;
  return row?.rows ?? 0;
}
