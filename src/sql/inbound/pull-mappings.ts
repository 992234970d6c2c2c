import type { TimeWindow } from '../../model/time-window.ts';
import type { Database } from '../database.ts';

/** When a mapping is polled or swept. */
export interface Schedule {
  /** An interval as Postgres writes it, or five cron fields. */
  readonly schedule: string;
  /** Milliseconds, when it is an interval. */
  readonly every: number | null;
  readonly timezone: string;
  readonly windows: readonly TimeWindow[] | null;
  readonly definition: string;
  /** When it is due next, as stored; null when nothing was planned yet. */
  readonly due_at: string | null;
  /** Whether what is stored was computed from this definition. */
  readonly planned: boolean;
  readonly trigger: 'scheduled' | 'webhook' | null;
}

export type ReadKind = 'poll' | 'sweep';

export interface PullMapping {
  readonly number: number;
  readonly name: string;
  readonly remote_table: string;
  readonly direction: 'pull' | 'push' | 'both';
  readonly state: string;
  readonly remote_columns: readonly string[];
  readonly remote_filter: string | null;
  /** Whether the app can show this table's changes alone. */
  readonly changes: boolean;
  /** URLs that are told when the app changed rows here. */
  readonly invalidate: readonly string[];
  readonly schedules: Readonly<Partial<Record<ReadKind, Schedule>>>;
  /** What metrics call it. */
  readonly label: string;
}

export async function pullMappings(database: Database, connection: number): Promise<PullMapping[]> {
  return database<PullMapping[]>`select * from tideway_private.pull_mappings(${connection})`;
}

/** Stores when a mapping is read next. */
export async function planRead(
  database: Database,
  mapping: number,
  kind: ReadKind,
  definition: string,
  dueAt: Date,
): Promise<void> {
  await database`select tideway_private.plan_read(${mapping}, ${kind}, ${definition}, ${dueAt})`;
}
