import type { Database } from '../database.ts';
import type { RunKind } from './reads.ts';

interface LeftRun {
  readonly mapping: number;
  readonly run: string;
  readonly kind: RunKind;
}

/** Reads of everything that an owner left in the middle and that nobody asked for by a request. */
export async function leftRuns(database: Database, connection: number): Promise<LeftRun[]> {
  return database<LeftRun[]>`select * from tideway_private.left_runs(${connection})`;
}
