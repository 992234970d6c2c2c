import type { Database } from '../database.ts';

export async function storePublicUrl(database: Database, publicUrl: string | undefined): Promise<void> {
  await database`select tideway_private.open_door(${publicUrl ?? null})`;
}
