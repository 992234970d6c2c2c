import type { Database } from '../database.ts';

/** False when a newer walk has taken this one's place. */
export async function saveWalk(
  database: Database,
  request: string,
  args: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const [row] = await database<{ kept: boolean }[]>`
    select tideway_private.save_walk(${request}, ${JSON.stringify(args)}::text::jsonb) as kept`;
  return row?.kept ?? false;
}
