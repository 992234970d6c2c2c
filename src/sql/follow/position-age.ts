import type { Database } from '../database.ts';

/** Seconds since the follower last stored a position, whichever daemon it runs in; null before the first time. */
export async function positionAge(database: Database, slot: string): Promise<number | null> {
  const [row] = await database<{ age: number }[]>`
    select extract(epoch from clock_timestamp() - p.updated_at)::float8 as age
      from tideway_private.positions p where p.slot = ${slot}`;
  return row?.age ?? null;
}
