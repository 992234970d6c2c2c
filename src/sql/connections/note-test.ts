import type { Database } from '../database.ts';

export async function noteTest(
  database: Database,
  connection: number,
  { account = null, problem = null }: { account?: string | null; problem?: string | null },
): Promise<void> {
  await database`select tideway_private.note_test(${connection}, ${account}, ${problem})`;
}
