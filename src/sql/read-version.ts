import type { Database } from './database.ts';

export interface Version {
  version: string;
  source_hash: string;
  migration: string | null;
  server_version: string;
}

/** tideway.version(); nothing when the schema is not there yet. */
export async function readVersion(database: Database): Promise<Version | undefined> {
  const [there] = await database<
    { there: boolean }[]
  >`select to_regprocedure('tideway.version()') is not null as there`;
  if (!there?.there) return undefined;
  const [row] = await database<Version[]>`select * from tideway.version()`;
  return row;
}
