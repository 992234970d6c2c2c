import type { Database } from '../database.ts';

export interface ConnectionRow {
  readonly number: number;
  readonly org_id: string;
  readonly name: string;
  readonly system: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** A reference, never the secret itself. */
  readonly secret: string | null;
  /** Another text whenever settings or secret are. */
  readonly changed: string;
  readonly state: 'active' | 'paused' | 'unauthorized';
  readonly owner: string | null;
  readonly free: boolean;
  /** What metrics call it. */
  readonly label: string;
}

export async function daemonConnections(database: Database): Promise<ConnectionRow[]> {
  return database<ConnectionRow[]>`select * from tideway_private.daemon_connections()`;
}
