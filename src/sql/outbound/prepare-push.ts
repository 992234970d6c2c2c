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

/** A batch as it is sent. */
export interface PreparedBatch {
  readonly rows: readonly PreparedRow[];
  /** How many rows were claimed for it; those that need no request are settled already. */
  readonly claimed: number;
  /** How many milliseconds ago the change of a key was committed; a row that somebody asked for has none. */
  readonly ages: Readonly<Record<string, number>>;
}

interface BatchFacts {
  readonly claimed: number | null;
  readonly ages: Readonly<Record<string, number>> | null;
}

/** What must be sent for a batch; rows that need no request are settled by the call itself. */
export async function preparePush(
  database: Database,
  batch: string,
  epoch: string,
  {
    requestLife,
    visibleAfter,
    comparesVersions,
  }: { readonly requestLife: number; readonly visibleAfter: number; readonly comparesVersions: boolean },
): Promise<PreparedBatch> {
  // The batch is seen as it was before the call; what is said of it comes with the first row only.
  const answers = await database<((PreparedRow | { readonly link_id: null }) & BatchFacts)[]>`
    select p.op, p.link_id::text, p.local_key, p.remote_id, p.payload, p.expected, p.correlation, p.idempotency_key, p.attempt,
           p.fields, p.version, cardinality(f.keys) as claimed,
           case when row_number() over () = 1 then (
             select jsonb_object_agg(m.key, extract(epoch from clock_timestamp() - m.marked_at) * 1000)
               from unnest(f.keys, f.ops, f.marked_ats) as m (key, op, marked_at)
              where m.op & 12 = 0) end as ages
      from (select) one
      left join tideway_private.in_flight f on f.id = ${batch}
      left join lateral tideway_private.prepare_push(${batch}, ${epoch}, ${requestLife} * interval '1 ms',
                                                    ${visibleAfter} * interval '1 ms', ${comparesVersions}) p on true`;
  const rows = answers.filter((row): row is PreparedRow & BatchFacts => row.link_id !== null);
  return { rows, claimed: answers[0]?.claimed ?? 0, ages: answers[0]?.ages ?? {} };
}
