import type { Database } from '../database.ts';

export async function releaseLease(database: Database, connection: number, epoch: string): Promise<void> {
  await database`select tideway_private.release_lease(${connection}, ${epoch})`;
}
