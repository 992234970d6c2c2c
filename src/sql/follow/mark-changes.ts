import type { Database, Session } from '../database.ts';

/** Relation, key, op and xid of each row, as the texts of arrays. */
export interface MarkColumns {
  readonly relations: string;
  readonly keys: string;
  readonly ops: string;
  readonly xids: string;
}

export interface Marks {
  readonly slot: string;
  readonly epoch: string;
  readonly lsn: string;
  readonly columns: MarkColumns;
  readonly moves: readonly { relation: number; from: string; to: string; xid: number }[];
  /** By which columns the keys of each relation were read, as JSON lists. */
  readonly keyLists: ReadonlyMap<number, string>;
  /** Relations whose every row must be compared, and why. */
  readonly doubts: ReadonlyMap<string, readonly number[]>;
  /** When the earliest of these changes was committed, as the server's clock had it. */
  readonly committedAt: Date | null;
}

export interface Marked {
  /** Whose rows they are. */
  readonly mappings: readonly number[];
  /** How far the log of the server reaches, and how far it is on the disk: calls before this one end before `written`. */
  readonly written: string;
  readonly flushed: string;
}

/** Marks rows and moves the position, in one transaction, which does not wait for the disk. */
export async function markChanges(database: Database, marks: Marks): Promise<Marked> {
  const { slot, epoch, lsn, columns, moves, keyLists, doubts, committedAt } = marks;
  const mark = async (session: Session): Promise<Marked> => {
    const [row] = await session<Marked[]>`
    select tideway_private.mark_changes(${slot}, ${epoch}, ${lsn},
      ${columns.relations}, ${columns.keys},
      ${columns.ops}, ${columns.xids},
      ${moves.map(({ relation }) => relation)}, ${moves.map(({ from }) => from)},
      ${moves.map(({ to }) => to)}, ${moves.map(({ xid }) => xid)},
      ${[...keyLists.keys()]}, ${[...keyLists.values()]},
      ${committedAt}) as mappings, pg_current_wal_insert_lsn() as written, pg_current_wal_flush_lsn() as flushed`;
    return row ?? { mappings: [], written: '0/0', flushed: '0/0' };
  };
  if (doubts.size === 0) return mark(database);
  return database.begin(async (session) => {
    const marked = await mark(session);
    for (const [doubt, relations] of doubts) {
      await session`select tideway_private.ask_compare(${relations}, ${doubt})`;
    }
    return marked;
  });
}
