import type { Database } from '../database.ts';

export interface Following {
  readonly epoch: string;
  /** Null when nothing was stored before. */
  readonly lsn: string | null;
  readonly other_system: boolean;
}

export async function startFollowing(
  database: Database,
  slot: string,
  server: { readonly systemId: string; readonly timeline: number },
  owner: string,
): Promise<Following> {
  const [row] = await database<Following[]>`
    select epoch::text, lsn, other_system
      from tideway_private.start_following(${slot}, ${server.systemId}, ${server.timeline}, ${owner})`;
  if (row === undefined) throw new Error('The database did not let this daemon follow.');
  return row;
}
