import type { Database } from '../database.ts';

export async function loadToken(database: Database, connection: number, name: string): Promise<string | null> {
  const [row] = await database<{ sealed: string | null }[]>`
    select tideway_private.load_token(${connection}, ${name}) as sealed`;
  return row?.sealed ?? null;
}

/** False when the lease is no longer held: the value must not be used then. */
export async function storeToken(
  database: Database,
  connection: number,
  epoch: string,
  name: string,
  sealed: string,
): Promise<boolean> {
  const [row] = await database<{ stored: boolean }[]>`
    select tideway_private.store_token(${connection}, ${epoch}, ${name}, ${sealed}) as stored`;
  return row?.stored ?? false;
}
