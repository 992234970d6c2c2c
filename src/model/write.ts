import type { FaultFacts } from './fault.ts';
import type { FieldValue, Fields, RemoteRecord } from './record.ts';

interface WriteRowFacts {
  /** Names this row in its batch; the outcome repeats it. */
  readonly ref: string;
  /** The same for every attempt at the same values, and for nothing else; given to apps that take idempotency keys. */
  readonly idempotencyKey: string;
}

/** A record to make. `correlation` is how it is found again when the answer is lost. */
export interface CreateRow extends WriteRowFacts {
  readonly op: 'create';
  readonly fields: Fields;
  readonly correlation?: { readonly column: string; readonly value: FieldValue };
}

/** A record to change. */
export interface UpdateRow extends WriteRowFacts {
  readonly op: 'update';
  readonly id: string;
  /** Only what changed; the rest of the record must stay as it is. */
  readonly changed: Fields;
  /** Every mapped field, for apps that can only replace a whole record. */
  readonly fields: Fields;
  /** What the app last showed for the changed fields, where it can compare field by field (stock). */
  readonly expected?: Fields;
  /** Write only if the record still has this version, where the app can compare versions. */
  readonly expectedVersion?: string;
}

/** A record to remove. */
export interface DeleteRow extends WriteRowFacts {
  readonly op: 'delete';
  readonly id: string;
  readonly expectedVersion?: string;
}

export type WriteRow = CreateRow | UpdateRow | DeleteRow;

/** What a write did to another record than its own: the value is gone there, and only people can bring it back. */
export interface Harm {
  readonly id: string;
  /** Names the column of the value, where that has a name. */
  readonly fault: FaultFacts;
}

/** What became of one row of a batch. */
export type WriteOutcome = { readonly ref: string; readonly harmed?: readonly Harm[] } & (
  | {
      readonly result: 'written';
      readonly id: string;
      /** The record as the app showed it in its answer; absent when the answer does not show it. */
      readonly record?: RemoteRecord;
      readonly version?: string;
    }
  /** Not written, and the same row will not be written later either. */
  | {
      readonly result: 'refused';
      readonly fault: FaultFacts;
      /** True when the app refused the batch as a whole: the row itself may be good, so send it in a smaller batch. */
      readonly wholeBatch?: boolean;
    }
  /** Certainly not written; may be sent again as it is. */
  | { readonly result: 'retry'; readonly fault: FaultFacts }
  /** The app has no record with this id. For a delete that is as good as written. */
  | { readonly result: 'not_found' }
  /** May or may not have been written. */
  | { readonly result: 'uncertain'; readonly fault: FaultFacts }
  /** Not written, because the record is not at the expected version; `current` when the app shows it. */
  | { readonly result: 'conflict'; readonly current: RemoteRecord | null }
);
