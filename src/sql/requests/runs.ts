import type { Database } from '../database.ts';

export async function startRun(
  database: Database,
  mapping: number,
  kind: string,
  run: string,
  epoch: string,
): Promise<void> {
  await database`select tideway_private.start_run(${mapping}, ${kind}, 'sql', ${run}, ${epoch})`;
}

/** False when somebody ended the run. */
export async function advanceRun(
  database: Database,
  run: string,
  counts: Readonly<Record<string, number | Readonly<Record<string, number>>>>,
): Promise<boolean> {
  const [row] = await database<{ runs: boolean }[]>`
    select tideway_private.advance_run(${run}, ${JSON.stringify(counts)}::text::jsonb) as runs`;
  return row?.runs ?? false;
}

export async function finishRun(database: Database, run: string, status: string | null, error?: string): Promise<void> {
  const report = error === undefined ? null : JSON.stringify({ error });
  await database`select tideway_private.finish_run(${run}, ${status}, ${report}::text::jsonb)`;
}

/** Ends the running runs of owners that are gone; returns how many. */
export async function interruptRuns(database: Database): Promise<number> {
  const [row] = await database<{ runs: number }[]>`select tideway_private.interrupt_runs() as runs`;
  return row?.runs ?? 0;
}
