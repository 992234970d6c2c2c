import type { Database } from '../database.ts';

/** Carries out requests that belong to no connection. */
export async function takeFreeRequests(database: Database): Promise<void> {
  await database`select tideway_private.take_free_requests()`;
}
