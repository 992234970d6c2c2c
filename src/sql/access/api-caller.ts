import type { Database } from '../database.ts';

export interface ApiCaller {
  readonly name: string;
  /** Null: all organisations. */
  readonly org_id: string | null;
  readonly may_operate: boolean;
}

export async function apiCaller(database: Database, token: string): Promise<ApiCaller | undefined> {
  const [row] = await database<ApiCaller[]>`select * from tideway_private.api_caller(${token})`;
  return row;
}
