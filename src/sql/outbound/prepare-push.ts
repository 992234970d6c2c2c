import type { Fields, FieldValue } from '../../model/record.ts';
import type { Database } from '../database.ts';

export interface PreparedRow {
  readonly op: 'create' | 'update' | 'delete' | 'lookup';
  readonly link_id: string;
  readonly local_key: string;
  readonly remote_id: string | null;
  readonly payload: Fields;
  readonly expected: Fields | null;
  readonly correlation: Readonly<Record<string, FieldValue>> | null;
  readonly idempotency_key: string;
  readonly attempt: number;
  readonly fields: Fields | null;
  /** What the record must still be. */
  readonly version: string | null;
}

/** What must be sent for a batch; rows that need no request are settled by the call itself. */
export async function preparePush(
  database: Database,
  batch: string,
  epoch: string,
  { requestLife, visibleAfter }: { readonly requestLife: number; readonly visibleAfter: number },
): Promise<PreparedRow[]> {
  return [
    ...(await database<PreparedRow[]>`
    select op, link_id::text, local_key, remote_id, payload, expected, correlation, idempotency_key, attempt, fields, version
      from tideway_private.prepare_push(${batch}, ${epoch}, ${requestLife} * interval '1 ms',
                                            ${visibleAfter} * interval '1 ms')`),
  ];
}
