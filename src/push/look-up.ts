import type { OwnedConnection } from '../connectors/owned-connection.ts';
import { Fault } from '../model/fault.ts';
import type { FieldValue, RemoteRecord } from '../model/record.ts';
import type { Database } from '../sql/database.ts';
import { askMoment } from '../sql/inbound/ask-moment.ts';
import type { PushOutcome } from '../sql/outbound/complete-push.ts';
import type { PreparedRow } from '../sql/outbound/prepare-push.ts';
import type { PushMapping } from '../sql/outbound/push-mappings.ts';

/** Whether a create whose answer was lost can be found again by what it wrote. */
export function canLookUp({ connector }: OwnedConnection, row: PreparedRow): boolean {
  return connector.findByKey !== undefined && Object.keys(row.correlation ?? {}).length > 0;
}

/** Looks for the records of creates that were never answered: found, missing, or more than one. */
export async function lookUp(
  owned: OwnedConnection,
  database: Database,
  mapping: PushMapping,
  rows: readonly PreparedRow[],
  keysPerFind: number,
): Promise<PushOutcome[]> {
  const { findByKey } = owned.connector;
  const column = Object.keys(rows[0]?.correlation ?? {})[0];
  if (findByKey === undefined || column === undefined) return [];
  const outcomes: PushOutcome[] = [];
  for (let at = 0; at < rows.length; at += keysPerFind) {
    const part = rows.slice(at, at + keysPerFind);
    try {
      owned.lease.assertHeld();
      const { asked } = await askMoment(database);
      const { records } = await findByKey(owned.session('push'), {
        table: mapping.remote_table,
        columns: mapping.remote_columns,
        column,
        values: part.map((row) => row.correlation?.[column] ?? null),
        askedFor: asked,
      });
      outcomes.push(...part.map((row) => judge(row, records)));
    } catch (error) {
      const { facts } = error instanceof Fault ? error : new Fault('INTERNAL', 'The lookup failed.', { cause: error });
      // Still not known: the row stays what it was, a create without an answer.
      outcomes.push(
        ...part.map(({ link_id }): PushOutcome => ({
          link_id,
          result: 'uncertain',
          class: facts.class,
          code: facts.code,
          message: `A record that may exist could not be looked up: ${facts.message}`,
        })),
      );
    }
  }
  return outcomes;
}

function judge(row: PreparedRow, records: readonly RemoteRecord[]): PushOutcome {
  const wanted = Object.entries(row.correlation ?? {});
  const found = records.filter(({ fields }) => wanted.every(([name, value]) => text(fields[name]) === text(value)));
  const [record] = found;
  if (record === undefined) return { link_id: row.link_id, result: 'missing' };
  if (found.length > 1) {
    return {
      link_id: row.link_id,
      result: 'refused',
      class: 'CONFLICT',
      code: 'DUPLICATE_REMOTE',
      message: `The app holds ${String(found.length)} records with the key of this row.`,
    };
  }
  const version = record.version === undefined ? {} : { version: record.version };
  return { link_id: row.link_id, result: 'found', remote_id: record.id, shown: record.fields, ...version };
}

/** Apps answer numbers as texts and the reverse. */
function text(value: FieldValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
