import type { Database } from '../database.ts';

export interface Work {
  readonly connection: number;
  readonly kind:
    | 'push'
    | 'due'
    | 'activate'
    | 'request'
    | 'reread'
    | 'poll'
    | 'sweep'
    | 'plan'
    | 'resume'
    | 'read'
    | 'catalogue'
    | 'subscribe';
  readonly mapping: number | null;
}

export async function lookForWork(database: Database, connections: readonly number[]): Promise<Work[]> {
  if (connections.length === 0) return [];
  return database<Work[]>`select * from tideway_private.look_for_work(${connections})`;
}
