import type { Database } from '../database.ts';

/** Asks as somebody of that organisation (null: of the only one) and returns how many caches there are. */
export async function invalidateCache(
  database: Database,
  organisation: string | null,
  name: string | undefined,
): Promise<number> {
  return database.begin(async (session) => {
    if (organisation !== null) await session`select set_config('tideway.org_id', ${organisation}, true)`;
    const [row] = await session<{ count: number }[]>`select tideway.invalidate_cache(${name ?? null}) as count`;
    return row?.count ?? 0;
  });
}
