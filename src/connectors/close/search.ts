import { Fault } from '../../model/fault.ts';
import type { CloseClient, CloseRow } from './client.ts';
import { zoned } from './fields.ts';
import type { CloseTable } from './tables.ts';

export interface Span {
  readonly rows: readonly CloseRow[];
  /** Where the next one begins, ISO 8601; null when nothing follows. */
  readonly next: string | null;
  /** The app's clock at the first request, milliseconds. */
  readonly at: number;
  /** How long to wait before the next one shows more. */
  readonly wait?: number;
}

export type TimeColumn = 'date_created' | 'date_updated';

/** With many more the app refuses the search. */
const MOST_PROPERTIES = 60;

export interface Search {
  readonly client: CloseClient;
  readonly table: CloseTable;
  readonly properties: readonly string[];
  readonly limit: number;
}

/**
 * The records from a second on, in the order of a time of theirs. The app's cursor lives for half a minute and passes at
 * most 10,000 records, so it is used only until the time has moved on to another second; there the next search begins.
 */
export async function searchFrom(search: Search, column: TimeColumn, from: string | null): Promise<Span> {
  const { client } = search;
  const rows: CloseRow[] = [];
  let at: number | undefined;
  let cursor: string | null = null;
  for (;;) {
    let page;
    try {
      page = await client.search(bodyOf(search, column, rangeOf(search, column, from), cursor));
    } catch (problem) {
      // A walk that broke off has shown all up to where it came.
      const next =
        at === undefined || !isOfCursor(problem) ? null : reached(column, rows, horizonOf(search, column, at));
      if (at === undefined || !isOfCursor(problem)) throw problem;
      if (next !== null && isLater(next, from)) return { rows: await whole(search, rows), next, at };
      const wait = waitFor(search, column, rows, at, problem);
      return { rows: await whole(search, rows), next: from ?? secondOf(0), at, wait };
    }
    at ??= page.at;
    rows.push(...page.data.data);
    const following = page.data.cursor ?? null;
    if (following === null) return { rows: await whole(search, rows), next: null, at };
    if (following === cursor && page.data.data.length === 0) {
      throw new Fault('BAD_RESPONSE', `A search for "${search.table.name}" goes round in a circle.`);
    }
    const next = reached(column, rows, horizonOf(search, column, at));
    if (next !== null && isLater(next, from)) return { rows: await whole(search, rows), next, at };
    cursor = following;
  }
}

/** Every record that meets a condition. */
export async function searchAll(search: Search, condition: unknown): Promise<readonly CloseRow[]> {
  const rows: CloseRow[] = [];
  let cursor: string | null = null;
  do {
    const { data } = await search.client.search(bodyOf(search, 'date_created', condition, cursor));
    rows.push(...data.data);
    cursor = data.cursor ?? null;
  } while (cursor !== null);
  return whole(search, rows);
}

export function fieldOf({ object }: CloseTable, name: string): unknown {
  return name.startsWith('custom.')
    ? { type: 'custom_field', custom_field_id: name.slice('custom.'.length) }
    : { type: 'regular_field', object_type: object, field_name: name };
}

function rangeOf({ table }: Search, column: TimeColumn, from: string | null): unknown {
  if (from === null) return undefined;
  return {
    type: 'field_condition',
    field: fieldOf(table, column),
    condition: { type: 'moment_range', on_or_after: { type: 'fixed_utc', value: from } },
  };
}

function bodyOf(
  { table, properties, limit }: Search,
  column: TimeColumn,
  condition: unknown,
  cursor: string | null,
): unknown {
  const wanted = properties.length > MOST_PROPERTIES ? ['id', 'date_created', 'date_updated'] : properties;
  return {
    query: {
      type: 'and',
      queries: [{ type: 'object_type', object_type: table.object }, ...(condition === undefined ? [] : [condition])],
    },
    _fields: { [table.object]: wanted },
    // Descending searches were seen to drop records.
    sort: [{ direction: 'asc', field: fieldOf(table, column) }],
    _limit: limit,
    cursor,
  };
}

/** Records of more properties than a search may name are read by their ids. */
async function whole({ client, table, properties }: Search, rows: readonly CloseRow[]): Promise<readonly CloseRow[]> {
  if (properties.length <= MOST_PROPERTIES) return rows;
  const shown = await Promise.all(rows.map(({ id }) => client.get(table.path, id, {})));
  return shown.filter((row) => row !== null);
}

/**
 * A record may stand where its index has it and show what it is now. Times before the horizon are in the index for sure;
 * a time of creation never changes.
 */
function horizonOf({ client }: Search, column: TimeColumn, at: number): number {
  return column === 'date_created' ? Infinity : at - client.settings.overlap;
}

/** The last whole second up to which the rows, as they came, show every record; null when that cannot be said. */
function reached(column: TimeColumn, rows: readonly CloseRow[], horizon: number): string | null {
  let last: number | null = null;
  for (const row of rows) {
    const time = timeOf(row, column);
    if (time >= horizon) continue;
    if (last !== null && time < last) {
      throw new Fault('BAD_RESPONSE', `A search sorted by "${column}" came in another order.`);
    }
    last = time;
  }
  return last === null ? null : secondOf(last);
}

function timeOf(row: CloseRow, column: TimeColumn): number {
  const value = row[column];
  const time = typeof value === 'string' ? Date.parse(zoned(value)) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new Fault('BAD_RESPONSE', `The record ${row.id} came without its "${column}".`);
}

function secondOf(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

function isLater(next: string, from: string | null): boolean {
  return from === null || next > from;
}

function isOfCursor(problem: unknown): problem is Fault {
  return problem instanceof Fault && problem.facts.column === 'cursor';
}

/** How long to wait where a walk broke off and brought nobody further. */
function waitFor(
  { client, table }: Search,
  column: TimeColumn,
  rows: readonly CloseRow[],
  at: number,
  problem: Fault,
): number {
  if (/expired/i.test(problem.facts.message)) {
    throw new Fault('TIMEOUT', `Close forgot a search for "${table.name}" before its next page could be asked for.`, {
      cause: problem,
    });
  }
  const { overlap } = client.settings;
  // Too many changes of late: once they are older, their times can be relied on.
  if (column === 'date_updated' && rows.some((row) => timeOf(row, column) >= at - overlap)) return overlap;
  throw new Fault('REQUEST_REFUSED', `More than 10,000 records of "${table.name}" have one and the same "${column}".`, {
    cause: problem,
    suggestion: 'Close shows no more of them in a search.',
  });
}
