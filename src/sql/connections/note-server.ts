import type { Database } from '../database.ts';

/** Pauses all connections of a database that came from another server; true when it did. */
export async function noteServer(database: Database): Promise<boolean> {
  const [row] = await database<{ other: boolean }[]>`select tideway_private.note_server() as other`;
  return row?.other ?? false;
}
