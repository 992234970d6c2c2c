import type { Database } from './database.ts';

/** The server's date in milliseconds since 1970. */
export async function readDate(database: Database): Promise<number> {
  const [row] = await database<{ date: number }[]>`
    select (extract(epoch from clock_timestamp()) * 1000)::float8 as date`;
  return row?.date ?? Number.NaN;
}
