import { Fault } from '../../model/fault.ts';
import type { CloseClient, CloseRow, Query } from './client.ts';
import type { TimeColumn } from './search.ts';
import type { CloseTable } from './tables.ts';

const SECOND = 1000;
const DAY = 86_400_000;

export interface Lists {
  readonly client: CloseClient;
  readonly table: CloseTable;
  readonly properties: readonly string[];
  readonly limit: number;
}

/** A span of time, milliseconds; without a width it has no end. */
export interface Window {
  readonly from: number;
  readonly width: number | null;
}

interface Shown {
  readonly rows: readonly CloseRow[];
  /** Null: nothing follows. */
  readonly next: Window | null;
  readonly at: number;
}

/**
 * The records whose time falls into a window that fits one page. Lists promise no order, and their pages are counted, so a
 * record that moves would hide another: what is shown in one answer cannot be hidden.
 */
export async function listWindow(lists: Lists, column: TimeColumn, window: Window): Promise<Shown> {
  const { limit } = lists;
  const { from } = window;
  let { width } = window;
  for (;;) {
    const query = queryOf(lists, column, from, width);
    const { data, at } = await lists.client.list(lists.table.path, { ...query, _skip: '0' });
    if (!hasMore(data, limit))
      return { rows: data.data, next: following(from, width, data.data.length, limit, at), at };
    const span = width ?? Math.max(at, from) + DAY - from;
    if (span <= SECOND) return { rows: await walk(lists, query), next: following(from, width, limit, limit, at), at };
    width = Math.max(SECOND, Math.floor(span / 2 / SECOND) * SECOND);
  }
}

/** The records of a small table, all in one go. Where an answer does not say whether more follows, nothing does. */
export async function listAll(lists: Lists): Promise<readonly CloseRow[]> {
  return walk(lists, { _limit: '100' }, false);
}

/** Pages by count, each beginning with the last record of the one before: when that is not there, records have moved. */
async function walk({ client, table, limit }: Lists, query: Query, unsaid?: boolean): Promise<readonly CloseRow[]> {
  for (let tries = 0; tries < 3; tries += 1) {
    const rows: CloseRow[] = [];
    for (let joins = true; joins;) {
      const { data } = await client.list(table.path, { ...query, _skip: String(Math.max(0, rows.length - 1)) });
      joins = rows.length === 0 || data.data[0]?.id === rows.at(-1)?.id;
      if (!joins) break;
      rows.push(...data.data.slice(rows.length === 0 ? 0 : 1));
      if (!hasMore(data, limit, unsaid)) return rows;
    }
  }
  throw new Fault('BAD_RESPONSE', `The list of "${table.name}" changes faster than it can be read.`);
}

function queryOf({ properties, limit }: Lists, column: TimeColumn, from: number, width: number | null): Query {
  return {
    _fields: properties.join(','),
    _limit: String(limit),
    [`${column}__gte`]: isoOf(from),
    ...(width === null ? {} : { [`${column}__lt`]: isoOf(from + width) }),
  };
}

function following(from: number, width: number | null, count: number, limit: number, at: number): Window | null {
  if (width === null) return null;
  const end = from + width;
  // The last window has no end, so that no clock decides what is in it.
  if (end > at) return { from: end, width: null };
  return { from: end, width: count < limit / 2 ? width * 4 : width };
}

function hasMore(
  { data, has_more: more }: { data: readonly CloseRow[]; has_more?: boolean | undefined },
  limit: number,
  unsaid?: boolean,
): boolean {
  if (more === true && data.length === 0) {
    throw new Fault('BAD_RESPONSE', 'A list says that more follows, and shows nothing.');
  }
  return more ?? unsaid ?? data.length >= limit;
}

function isoOf(time: number): string {
  return `${new Date(Math.floor(time / SECOND) * SECOND).toISOString().slice(0, 19)}Z`;
}
