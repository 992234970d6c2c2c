import type { Lsn } from './lsn.ts';

export type ReplicaIdentity = 'default' | 'nothing' | 'full' | 'index';

export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly identity: ReplicaIdentity;
  readonly columns: readonly string[];
  /** Names in the order of `Change.key`; undefined when no key can be read from the log. */
  readonly keyColumns: readonly string[] | undefined;
}

export interface Transaction {
  readonly xid: number;
  readonly commitLsn: Lsn;
  /** Milliseconds since 1970. */
  readonly committedAt: number;
}

export interface Change {
  readonly kind: 'insert' | 'update' | 'delete';
  readonly relation: Relation;
  /** As the server prints the values; undefined when the relation has no readable key: compare the table. */
  readonly key: readonly string[] | undefined;
  /** Only when the key changed. */
  readonly oldKey: readonly string[] | undefined;
  readonly transaction: Transaction;
}

export interface Truncate {
  readonly kind: 'truncate';
  readonly relations: readonly Relation[];
  readonly cascade: boolean;
  readonly restartIdentity: boolean;
  readonly transaction: Transaction;
}

export interface LogicalMessage {
  readonly kind: 'message';
  readonly prefix: string;
  readonly content: string;
  readonly lsn: Lsn;
  /** Undefined for a message outside of any transaction. */
  readonly transaction: Transaction | undefined;
}

export interface Origin {
  readonly kind: 'origin';
  readonly name: string;
  readonly transaction: Transaction;
}

export interface Commit {
  readonly kind: 'commit';
  readonly endLsn: Lsn;
  readonly transaction: Transaction;
}

export type ChangeEvent = Change | Truncate | LogicalMessage | Origin | Commit;

export interface ChangeBatch {
  readonly events: readonly ChangeEvent[];
  /** What may be confirmed once this batch and all before it are stored; undefined inside a transaction. */
  readonly position: Lsn | undefined;
}

export interface ServerIdentity {
  readonly systemId: string;
  readonly timeline: number;
  readonly position: Lsn;
}

/**
 * Committed changes in commit order, each batch handed out once. A large transaction comes in several batches.
 * The source stops reading the socket while a full batch waits, so memory stays bounded however slow the consumer is.
 */
export interface ChangeStream extends AsyncIterable<ChangeBatch> {
  readonly server: ServerIdentity;
  /** Tells the server that everything up to a batch's `position` is stored. Earlier positions are ignored. */
  confirm(position: Lsn): void;
  stop(): Promise<void>;
}
