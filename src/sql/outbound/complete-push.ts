import type { Fields } from '../../model/record.ts';
import type { Database } from '../database.ts';

export interface RowError {
  readonly class: string;
  readonly code: string;
  readonly message: string;
  readonly column?: string;
}

/** What became of one row of a batch. */
export interface PushOutcome extends Partial<RowError> {
  readonly link_id: string;
  readonly result: 'written' | 'refused' | 'retry' | 'uncertain' | 'not_found' | 'conflict' | 'found' | 'missing';
  readonly remote_id?: string;
  readonly shown?: Fields;
  readonly version?: string;
  readonly retry_after_ms?: number;
  /** What the write took from other records for good. */
  readonly harmed?: readonly (RowError & { readonly remote_id: string })[];
}

export interface AppTiming {
  readonly visibleAfter: number;
  readonly trustAnswer: boolean;
  readonly requestLife: number;
}

export interface PushCounts {
  readonly written?: number;
  readonly failed?: number;
  /** The lease was lost meanwhile; only ids were kept. */
  readonly late?: boolean;
}

export async function completePush(
  database: Database,
  batch: string,
  epoch: string,
  outcomes: readonly PushOutcome[],
  { visibleAfter, trustAnswer, requestLife }: AppTiming,
): Promise<PushCounts> {
  const [row] = await database<{ counts: PushCounts }[]>`
    select tideway_private.complete_push(${batch}, ${epoch}, ${JSON.stringify(outcomes)}::text::jsonb,
             ${visibleAfter} * interval '1 ms', ${trustAnswer}, ${requestLife} * interval '1 ms') as counts`;
  return row?.counts ?? {};
}
