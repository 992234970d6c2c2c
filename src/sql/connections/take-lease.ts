import type { Database } from '../database.ts';

/** Takes or renews a lease; null while another owner holds it. */
export async function takeLease(
  database: Database,
  connection: number,
  owner: string,
  lasts: number,
): Promise<string | null> {
  const [row] = await database<{ epoch: string | null }[]>`
    select tideway_private.take_lease(${connection}, ${owner}, ${lasts} * interval '1 ms')::text as epoch`;
  return row?.epoch ?? null;
}
