import type { Database } from './database.ts';

/** Partitions, retention, statistics; returns what was done. */
export async function maintain(database: Database): Promise<readonly { task: string; affected: string | null }[]> {
  return database<{ task: string; affected: string | null }[]>`select task, affected from tideway.maintain()`;
}
