import type { Database } from '../database.ts';

export interface FollowedTable {
  readonly relation: number;
  readonly schema_name: string;
  readonly table_name: string;
  readonly key_columns: readonly string[];
}

export async function followedTables(database: Database): Promise<FollowedTable[]> {
  return database<FollowedTable[]>`
    select relation, schema_name, table_name, key_columns from tideway_private.followed_tables()`;
}
