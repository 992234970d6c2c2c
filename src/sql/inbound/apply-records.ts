import type { RemoteRecord } from '../../model/record.ts';
import type { Database } from '../database.ts';
import type { Asked } from './ask-moment.ts';

/** Applies records that were read by id, outside of any run. */
export async function applyRecords(
  database: Database,
  mapping: number,
  epoch: string,
  { asked, asked_at: askedAt }: Asked,
  records: readonly RemoteRecord[],
): Promise<Readonly<Record<string, unknown>>> {
  const lines = records.map((record) => JSON.stringify(record)).join('\n');
  const [row] = await database<{ result: Record<string, unknown> }[]>`
    select tideway_private.apply_page(${mapping}, null, ${epoch}, ${asked}, ${askedAt}, ${lines}) as result`;
  return row?.result ?? {};
}
