import type { Database } from './database.ts';

/** One series that Postgres knows. */
export interface GaugeRow {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What Postgres knows of our metrics, in one statement that never runs long. */
export async function readGauges(database: Database): Promise<readonly GaugeRow[]> {
  return database.begin(async (session) => {
    await session`set local statement_timeout = '4s'`;
    return session<GaugeRow[]>`select name, labels, value from tideway.metrics`;
  });
}

export async function hasOneOrganisation(database: Database): Promise<boolean> {
  const rows = await database`select from tideway.organisations limit 2`;
  return rows.length < 2;
}
