import type { MarkColumns } from '../sql/follow/mark-changes.ts';
import type { ChangeEvent, Change, Relation } from './change-stream.ts';
import { heartbeatPrefix } from './heartbeat.ts';
import type { Lsn } from './lsn.ts';

const CHANGED = 1;
const DELETED = 2;

export interface Mark {
  readonly relation: number;
  readonly key: string;
  op: number;
  xid: number;
}

export interface KeyMove {
  readonly relation: number;
  readonly from: string;
  readonly to: string;
  readonly xid: number;
}

/** What a stretch of the log comes down to: each row once, key changes in order. */
export class Coalescer {
  readonly marks = new Map<string, Mark>();
  readonly moves: KeyMove[] = [];
  /** By which columns keys were read, as JSON lists. */
  readonly keyLists = new Map<number, string>();
  /** Why which tables must be compared row by row. */
  readonly doubts = new Map<string, Set<number>>();
  /** Texts of the heartbeats that came back. */
  readonly heartbeats: string[] = [];
  changes = 0;
  /** When the earliest of the changes was committed; milliseconds since 1970. */
  committedAt: number | undefined;
  /** Everything up to here is in, when no transaction is open. */
  position: Lsn | undefined;
  /** The rest of a transaction is still to come. */
  isOpen = false;
  #columns: MarkColumns | undefined;

  get isEmpty(): boolean {
    return this.marks.size === 0 && this.moves.length === 0 && this.doubts.size === 0 && this.position === undefined;
  }

  /** Made once: what is full is written out while the call before it is under way. */
  get columns(): MarkColumns {
    if (this.#columns === undefined) {
      const marks = [...this.marks.values()];
      const listOf = (text: (mark: Mark) => string | number): string => `{${marks.map(text).join(',')}}`;
      this.#columns = {
        relations: listOf(({ relation }) => relation),
        keys: listOf(({ key }) => elementOf(key)),
        ops: listOf(({ op }) => op),
        xids: listOf(({ xid }) => xid),
      };
    }
    return this.#columns;
  }

  add(event: ChangeEvent): void {
    this.#columns = undefined;
    this.isOpen = event.kind !== 'commit' && event.transaction !== undefined;
    switch (event.kind) {
      case 'commit':
        this.position = event.endLsn;
        break;
      case 'message':
        if (event.transaction === undefined) this.position = event.lsn;
        if (event.prefix === heartbeatPrefix) this.heartbeats.push(event.content);
        break;
      case 'truncate':
        for (const { oid } of event.relations) this.#doubt('the table was truncated', oid);
        break;
      case 'origin':
        break;
      case 'insert':
      case 'update':
      case 'delete':
        this.#change(event);
    }
  }

  #change({ kind, relation, key, oldKey, transaction }: Change): void {
    this.changes += 1;
    this.committedAt = Math.min(this.committedAt ?? Infinity, transaction.committedAt);
    if (key === undefined) {
      this.#doubt('its changes carry no key that can be read', relation.oid);
      return;
    }
    if (!this.keyLists.has(relation.oid)) this.keyLists.set(relation.oid, keyList(relation));
    if (oldKey !== undefined) {
      const move = { relation: relation.oid, from: keyText(oldKey), to: keyText(key), xid: transaction.xid };
      this.moves.push(move);
      this.#mark(relation.oid, move.from, CHANGED, transaction.xid);
    }
    this.#mark(relation.oid, keyText(key), kind === 'delete' ? DELETED : CHANGED, transaction.xid);
  }

  #mark(relation: number, key: string, op: number, xid: number): void {
    const name = `${String(relation)} ${key}`;
    const known = this.marks.get(name);
    if (known === undefined) {
      this.marks.set(name, { relation, key, op, xid });
    } else {
      known.op |= op;
      // The later commit in the order of the log, never the greater number.
      known.xid = xid;
    }
  }

  #doubt(reason: string, relation: number): void {
    const relations = this.doubts.get(reason) ?? new Set<number>();
    relations.add(relation);
    this.doubts.set(reason, relations);
  }
}

/** The text of the one key column, or a JSON list in key order. */
function keyText(key: readonly string[]): string {
  return key.length === 1 ? (key[0] as string) : JSON.stringify(key);
}

/** A quoted element of an array's text. */
function elementOf(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** As Postgres prints `to_jsonb(text[])`. */
function keyList({ keyColumns = [] }: Relation): string {
  return `[${keyColumns.map((name) => JSON.stringify(name)).join(', ')}]`;
}
