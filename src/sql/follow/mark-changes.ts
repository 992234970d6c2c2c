import type { Database } from '../database.ts';

export interface Marks {
  readonly slot: string;
  readonly epoch: string;
  readonly lsn: string;
  readonly relations: readonly number[];
  readonly keys: readonly string[];
  readonly ops: readonly number[];
  readonly xids: readonly number[];
  readonly moves: readonly { relation: number; from: string; to: string; xid: number }[];
  /** By which columns the keys of each relation were read, as JSON lists. */
  readonly keyLists: ReadonlyMap<number, string>;
  /** Relations whose every row must be compared, and why. */
  readonly doubts: ReadonlyMap<string, readonly number[]>;
  /** When the earliest of these changes was committed, as the server's clock had it. */
  readonly committedAt: Date | null;
}

const [int2List, int8List, textList, oidList] = [1005, 1016, 1009, 1028];

/** Marks rows and moves the position, in one transaction; tells whose rows they are. */
export async function markChanges(database: Database, marks: Marks): Promise<readonly number[]> {
  const { slot, epoch, lsn, moves, keyLists, doubts, committedAt } = marks;
  const mark = async (session: Pick<Database, 'array'> & Database): Promise<readonly number[]> => {
    const [row] = await session<{ mappings: number[] }[]>`
    select tideway_private.mark_changes(${slot}, ${epoch}, ${lsn},
      ${session.array([...marks.relations], oidList)}, ${session.array([...marks.keys], textList)},
      ${session.array([...marks.ops], int2List)}, ${session.array([...marks.xids], int8List)},
      ${session.array(
        moves.map(({ relation }) => relation),
        oidList,
      )}, ${session.array(
        moves.map(({ from }) => from),
        textList,
      )},
      ${session.array(
        moves.map(({ to }) => to),
        textList,
      )}, ${session.array(
        moves.map(({ xid }) => xid),
        int8List,
      )},
      ${session.array([...keyLists.keys()], oidList)}, ${session.array([...keyLists.values()], textList)},
      ${committedAt}) as mappings`;
    return row?.mappings ?? [];
  };
  if (doubts.size === 0) return mark(database);
  return database.begin(async (session) => {
    const mappings = await mark(session as unknown as Database);
    for (const [doubt, relations] of doubts) {
      await session`select tideway_private.ask_compare(${session.array([...relations], oidList)}, ${doubt})`;
    }
    return mappings;
  });
}
