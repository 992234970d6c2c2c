import type { Database } from '../database.ts';

export interface RangeCompared {
  readonly keys: readonly string[] | null;
  readonly last_key: string | null;
  readonly checked: number | null;
}

/** Rows in key order whose link differs. Undefined: the mapping was stopped because its table cannot be trusted. */
export async function compareRange(
  database: Database,
  mapping: number,
  epoch: string,
  after: string | null,
  maxRows: number,
  every: boolean,
): Promise<RangeCompared | undefined> {
  const [row] = await database<RangeCompared[]>`
    select * from tideway_private.compare_range(${mapping}, ${epoch}, ${after}, ${maxRows}, ${every})`;
  return row;
}

export interface LinksCompared {
  readonly keys: readonly string[] | null;
  readonly last_key: string | null;
  readonly checked: number;
}

/** Links whose row is gone. */
export async function compareLinks(
  database: Database,
  mapping: number,
  epoch: string,
  after: string | null,
  maxRows: number,
): Promise<LinksCompared> {
  const [row] = await database<LinksCompared[]>`
    select * from tideway_private.compare_links(${mapping}, ${epoch}, ${after}, ${maxRows})`;
  return row ?? { keys: null, last_key: null, checked: 0 };
}

/** Whether everything that the log held when this xid was taken shows in snapshots. */
export async function logIsVisible(database: Database, xid: string): Promise<boolean> {
  const [row] = await database<{ visible: boolean }[]>`select tideway_private.log_is_visible(${xid}) as visible`;
  return row?.visible ?? false;
}

/** Has every row of a mapping compared with its link, for a sweep; returns the request. */
export async function askToCompare(database: Database, mapping: number, doubt: string, sweep: string): Promise<string> {
  const [row] = await database<{ request: string }[]>`
    select tideway_private.ask_to_compare(${mapping}, ${doubt}, ${sweep})::text as request`;
  if (row === undefined) throw new Error('The database took no request.');
  return row.request;
}

/** Whether a request is still there: nobody has ended it, and no newer one has taken its place. */
export async function isWaiting(database: Database, request: string): Promise<boolean> {
  const [row] = await database<{ waits: boolean }[]>`
    select exists (select from tideway_private.requests r where r.id = ${request}) as waits`;
  return row?.waits ?? false;
}
