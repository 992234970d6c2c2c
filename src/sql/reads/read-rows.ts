import type { Database } from '../database.ts';

export interface RowsWanted {
  readonly filters: readonly { readonly column: string; readonly op: string; readonly value: string }[];
  /** The key of the one row that is wanted. */
  readonly one: string | null;
  /** The key of the last row of the page before. */
  readonly after: readonly string[] | null;
  readonly limit: number;
}

export interface ReadRow {
  readonly key: readonly string[];
  /** The row as JSON text, so that its numbers stay exact. */
  readonly content: string;
}

export async function readRows(database: Database, mapping: number, wanted: RowsWanted): Promise<ReadRow[]> {
  const { filters, one, after, limit } = wanted;
  return database<ReadRow[]>`
      select row_key as key, content::text as content
        from tideway_private.read_rows(${mapping}, ${JSON.stringify(filters)}::text::jsonb, ${one},
               ${after === null ? null : JSON.stringify(after)}::text::jsonb, ${limit})`;
}
