import type { ChangeEvent, Relation, ReplicaIdentity, Transaction } from './change-stream.ts';

/** Chooses the key columns of a table, in the key's own order; undefined leaves the replica identity's columns. */
export type KeyColumns = (schema: string, table: string, oid: number) => readonly string[] | undefined;

interface KnownRelation {
  readonly relation: Relation;
  /** For each column its place in the key, or -1. */
  readonly places: readonly number[];
  readonly width: number;
}

const identities: Readonly<Record<string, ReplicaIdentity>> = { d: 'default', n: 'nothing', f: 'full', i: 'index' };
const unixMillisecondsOf2000 = 946_684_800_000;
const isNull = 0x6e;
const isUnchangedToast = 0x75;

/**
 * Decodes protocol 1 in text. The buffer given to `decode` belongs to the caller again as soon as it returns,
 * so nothing here keeps a slice of it.
 */
export class PgoutputDecoder {
  readonly #keyColumns: KeyColumns;
  readonly #relations = new Map<number, KnownRelation>();
  #transaction: Transaction | undefined;
  #buffer: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(keyColumns: KeyColumns = () => undefined) {
    this.#keyColumns = keyColumns;
  }

  /** Returns undefined for messages that carry no event of their own (begin, relation, type). */
  decode(buffer: Buffer, start: number): ChangeEvent | undefined {
    this.#buffer = buffer;
    this.#at = start + 1;
    const tag = buffer[start] ?? 0;
    switch (tag) {
      case 0x49: // I
        return this.#insert();
      case 0x55: // U
        return this.#update();
      case 0x44: // D
        return this.#delete();
      case 0x42: // B
        this.#begin();
        return undefined;
      case 0x43: // C
        return this.#commit();
      case 0x52: // R
        this.#readRelation();
        return undefined;
      case 0x54: // T
        return this.#truncate();
      case 0x4d: // M
        return this.#message();
      case 0x4f: // O
        return this.#origin();
      case 0x59: // Y
        return undefined;
      default:
        throw new Error(`The log stream holds a message of unknown type ${String(tag)}; expected pgoutput protocol 1.`);
    }
  }

  #begin(): void {
    const commitLsn = this.#int64();
    const committedAt = Number(this.#int64()) / 1000 + unixMillisecondsOf2000;
    this.#transaction = { xid: this.#uint32(), commitLsn, committedAt };
  }

  #commit(): ChangeEvent {
    const transaction = this.#open();
    this.#at += 9;
    const endLsn = this.#int64();
    this.#transaction = undefined;
    return { kind: 'commit', endLsn, transaction };
  }

  #insert(): ChangeEvent {
    const known = this.#known();
    this.#at += 1;
    const key = this.#readKey(known);
    return {
      kind: 'insert',
      relation: known.relation,
      key: complete(key),
      oldKey: undefined,
      transaction: this.#open(),
    };
  }

  #update(): ChangeEvent {
    const known = this.#known();
    let old: (string | undefined)[] | undefined;
    if (this.#buffer[this.#at++] !== 0x4e) {
      old = this.#readKey(known);
      this.#at += 1;
    }
    const fresh = this.#readKey(known, old);
    const key = complete(fresh);
    const oldKey = complete(old);
    const moved = key !== undefined && oldKey !== undefined && oldKey.some((value, place) => value !== key[place]);
    return {
      kind: 'update',
      relation: known.relation,
      key,
      oldKey: moved ? oldKey : undefined,
      transaction: this.#open(),
    };
  }

  #delete(): ChangeEvent {
    const known = this.#known();
    this.#at += 1;
    const key = this.#readKey(known);
    return {
      kind: 'delete',
      relation: known.relation,
      key: complete(key),
      oldKey: undefined,
      transaction: this.#open(),
    };
  }

  #truncate(): ChangeEvent {
    const transaction = this.#open();
    const count = this.#uint32();
    const options = this.#byte();
    const relations: Relation[] = [];
    for (let index = 0; index < count; index += 1) {
      relations.push(this.#known().relation);
    }
    return {
      kind: 'truncate',
      relations,
      cascade: (options & 1) !== 0,
      restartIdentity: (options & 2) !== 0,
      transaction,
    };
  }

  #message(): ChangeEvent {
    const transactional = (this.#byte() & 1) !== 0;
    const lsn = this.#int64();
    const prefix = this.#text();
    const length = this.#uint32();
    const content = this.#buffer.toString('utf8', this.#at, this.#at + length);
    return { kind: 'message', prefix, content, lsn, transaction: transactional ? this.#open() : undefined };
  }

  #origin(): ChangeEvent {
    this.#at += 8;
    return { kind: 'origin', name: this.#text(), transaction: this.#open() };
  }

  #readRelation(): void {
    const oid = this.#uint32();
    // The server leaves the schema's name empty for pg_catalog.
    const schema = this.#text() || 'pg_catalog';
    const table = this.#text();
    const identity = identities[String.fromCharCode(this.#byte())] ?? 'nothing';
    const count = this.#uint16();
    const columns: string[] = [];
    const flagged: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const inIdentity = (this.#byte() & 1) !== 0;
      const name = this.#text();
      this.#at += 8;
      columns.push(name);
      if (inIdentity) {
        flagged.push(name);
      }
    }
    const keyColumns = this.#chooseKey(oid, schema, table, identity, flagged);
    const places = columns.map((name) => keyColumns?.indexOf(name) ?? -1);
    this.#relations.set(oid, {
      relation: { oid, schema, table, identity, columns, keyColumns },
      places,
      width: keyColumns?.length ?? 0,
    });
  }

  #chooseKey(
    oid: number,
    schema: string,
    table: string,
    identity: ReplicaIdentity,
    flagged: string[],
  ): readonly string[] | undefined {
    const wanted = this.#keyColumns(schema, table, oid);
    if (wanted === undefined) {
      return identity === 'full' || flagged.length === 0 ? undefined : flagged;
    }
    // A delete carries the identity's columns only: a key outside of them would be missing there.
    return wanted.length > 0 && wanted.every((name) => flagged.includes(name)) ? wanted : undefined;
  }

  #readKey(known: KnownRelation, fallback?: readonly (string | undefined)[]): (string | undefined)[] | undefined {
    const buffer = this.#buffer;
    const { places, width } = known;
    const key = width === 0 ? undefined : new Array<string | undefined>(width).fill(undefined);
    let at = this.#at;
    const count = buffer.readUInt16BE(at);
    at += 2;
    for (let index = 0; index < count; index += 1) {
      const form = buffer[at++];
      const place = places[index] ?? -1;
      if (form === isNull) {
        continue;
      }
      if (form === isUnchangedToast) {
        if (key !== undefined && place >= 0) {
          key[place] = fallback?.[place];
        }
        continue;
      }
      const length = buffer.readUInt32BE(at);
      at += 4;
      if (key !== undefined && place >= 0) {
        key[place] = buffer.toString('utf8', at, at + length);
      }
      at += length;
    }
    this.#at = at;
    return key;
  }

  #known(): KnownRelation {
    const oid = this.#uint32();
    const known = this.#relations.get(oid);
    if (known === undefined) {
      throw new Error(`The log stream names table ${String(oid)} before describing it.`);
    }
    return known;
  }

  #open(): Transaction {
    if (this.#transaction === undefined) {
      throw new Error('The log stream holds a change outside of a transaction.');
    }
    return this.#transaction;
  }

  #byte(): number {
    return this.#buffer.readUInt8(this.#at++);
  }

  #uint16(): number {
    this.#at += 2;
    return this.#buffer.readUInt16BE(this.#at - 2);
  }

  #uint32(): number {
    this.#at += 4;
    return this.#buffer.readUInt32BE(this.#at - 4);
  }

  #int64(): bigint {
    this.#at += 8;
    return this.#buffer.readBigInt64BE(this.#at - 8);
  }

  #text(): string {
    const end = this.#buffer.indexOf(0, this.#at);
    const text = this.#buffer.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }
}

function complete(key: readonly (string | undefined)[] | undefined): readonly string[] | undefined {
  return key?.every((value) => value !== undefined) === true ? key : undefined;
}
