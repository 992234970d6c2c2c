import type { Database } from '../database.ts';

export interface Activated {
  readonly mapping: number;
  readonly state: 'active' | 'paused';
}

export async function activatePending(database: Database, connection: number, epoch: string): Promise<Activated[]> {
  return database<Activated[]>`select * from tideway_private.activate_pending(${connection}, ${epoch})`;
}
