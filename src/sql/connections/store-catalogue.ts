import type { RemoteTable } from '../../model/remote-table.ts';
import type { Database } from '../database.ts';

export async function storeCatalogue(
  database: Database,
  connection: number,
  tables: readonly RemoteTable[],
): Promise<void> {
  await database`select tideway_private.store_catalogue(${connection}, ${JSON.stringify(tables)}::text::jsonb, true)`;
}
