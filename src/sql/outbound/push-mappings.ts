import type { TimeWindow } from '../../model/time-window.ts';
import type { Database } from '../database.ts';

export interface PushMapping {
  readonly number: number;
  readonly name: string;
  readonly remote_table: string;
  readonly direction: 'push' | 'both';
  readonly remote_columns: readonly string[];
  /** When it may write; null: always. */
  readonly windows: readonly TimeWindow[] | null;
  readonly timezone: string;
  /** What metrics call it. */
  readonly label: string;
}

export async function pushMappings(database: Database, connection: number): Promise<PushMapping[]> {
  return database<PushMapping[]>`select * from tideway_private.push_mappings(${connection})`;
}
