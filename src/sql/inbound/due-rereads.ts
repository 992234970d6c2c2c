import type { Database } from '../database.ts';

export async function dueRereads(database: Database, mapping: number, atMost: number): Promise<readonly string[]> {
  const [row] = await database<{ ids: string[] }[]>`
    select tideway_private.due_rereads(${mapping}, ${atMost}) as ids`;
  return row?.ids ?? [];
}

export async function deferUnseen(
  database: Database,
  mapping: number,
  ids: readonly string[],
  reason: string,
): Promise<void> {
  await database`select tideway_private.defer_unseen(${mapping}, ${ids}, ${reason})`;
}
