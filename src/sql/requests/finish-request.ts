import type { Database } from '../database.ts';

export async function finishRequest(database: Database, id: string): Promise<void> {
  await database`select tideway_private.finish_request(${id})`;
}
