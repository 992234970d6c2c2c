import type { Fields } from '../../model/record.ts';
import type { Database } from '../database.ts';
import type { Asked } from './ask-moment.ts';
import type { ReadKind } from './pull-mappings.ts';

export type RunKind = 'delta' | 'full' | 'sweep' | 'preview';

export interface ReadRequest {
  readonly mapping: number;
  readonly kind: RunKind;
  /** Whether there is room for a read of everything. */
  readonly whole: boolean;
  /** Whether the app can show changes alone. */
  readonly changes: boolean;
  readonly trigger: 'scheduled' | 'webhook' | 'sql';
  /** A run that was asked for, or that another owner left; null starts a new one. */
  readonly run: string | null;
  /** Which schedule this is, and when it is due again. */
  readonly due?: { readonly kind: ReadKind; readonly next: Date };
}

export interface StartedRead {
  readonly run_id: string;
  readonly run_kind: RunKind | 'pull';
  readonly dry_run: boolean;
  readonly row_limit: number | null;
  readonly whole_read: boolean;
  /** Where the last page ended. */
  readonly cursor: Fields | null;
  /** Every page was read already; only the end of the run is missing. */
  readonly complete: boolean;
}

/** Undefined: the run has ended already. `needs_room`: everything has to be read, and the request said no. */
export async function startRead(
  database: Database,
  epoch: string,
  request: ReadRequest,
): Promise<StartedRead | 'needs_room' | undefined> {
  const { mapping, kind, whole, changes, trigger, run, due } = request;
  const [row] = await database<(StartedRead | (Omit<StartedRead, 'run_id'> & { run_id: null }))[]>`
    select * from tideway_private.start_read(${mapping}, ${epoch}, ${kind}, ${whole}, ${changes}, ${trigger}, ${run},
                                             ${due?.kind ?? null}, ${due?.next ?? null})`;
  if (row === undefined) return undefined;
  return row.run_id === null ? 'needs_room' : row;
}

/** The app has forgotten the place of a read: the run begins at the first record. */
export async function restartRead(database: Database, mapping: number, epoch: string, run: string): Promise<void> {
  await database`select tideway_private.restart_read(${mapping}, ${epoch}, ${run})`;
}

/** The moment of the next request, and whether run, mapping and connection still go on. */
export async function askPage(database: Database, run: string): Promise<Asked & { readonly goes_on: boolean }> {
  const [row] = await database<(Asked & { goes_on: boolean })[]>`
    select asked::text, asked_at::text, goes_on from tideway_private.ask_page(${run})`;
  if (row === undefined) throw new Error('The database gave no moment.');
  return row;
}

/** Linked records that a complete read did not show, in the order of their ids. */
export async function unseenIds(
  database: Database,
  mapping: number,
  run: string,
  after: string | null,
  atMost: number,
): Promise<readonly string[]> {
  const [row] = await database<{ ids: string[] }[]>`
    select tideway_private.unseen_ids(${mapping}, ${run}, ${after}, ${atMost}) as ids`;
  return row?.ids ?? [];
}

/** Ends a run that reads; its counts, or null when it had ended before, or is another owner's by now. */
export async function finishRead(
  database: Database,
  epoch: string,
  run: string,
  status: 'failed' | 'interrupted' | 'cancelled' | null,
  report: Readonly<Record<string, unknown>> = {},
): Promise<Readonly<Record<string, unknown>> | null> {
  const [row] = await database<{ counts: Record<string, unknown> | null }[]>`
    select tideway_private.finish_read(${run}, ${epoch}, ${status}, ${JSON.stringify(report)}::text::jsonb) as counts`;
  return row?.counts ?? null;
}
