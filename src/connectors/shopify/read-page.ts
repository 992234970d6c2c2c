import type { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { RemoteRecord } from '../../model/record.ts';
import type { Cursor, Page, PageRequest } from '../connector.ts';
import { readBulk } from './bulk.ts';
import {
  ask,
  connection,
  listCost,
  MOST_POINTS,
  objectsIn,
  type GraphqlReply,
  type GraphqlRequest,
  type Node,
  type ShopifySession,
} from './client.ts';
import { linesOf, LINES, ORDERS } from './order-lines.ts';
import { placeShape, type Place } from './place.ts';
import { numberOf, recordOf, selectionOf, tableOf, type Table } from './tables.ts';
import { seconds } from './values.ts';

/** Shopify pages through so many records of one list and no further; what is more is read in bulk. */
const DEEPEST = 20_000;

const MOST_PER_PAGE = 250;

export async function readPage(session: ShopifySession, request: PageRequest): Promise<Page> {
  const table = tableOf(request.table);
  const place = placeOf(session, table, request);
  if (place.way === 'bulk') return readBulk(session, request, table, place, searchOf(session, table, request, place));
  const found = await readList(session, request, table, place);
  const began = place.began ?? found.at;
  const newest = found.records.reduce<string | null>(
    (latest, { modifiedAt = null }) => later(latest, modifiedAt),
    later(place.newest, found.newest),
  );
  const count = place.count + found.records.length;
  const base = { ...place, began, newest, count };
  if (found.next === null) {
    return {
      records: found.records,
      gone: [],
      next: table.sortChanges === null && table.name !== 'inventory_levels' ? null : complete(base),
      complete: true,
      askedFor: request.askedFor,
    };
  }
  const deep = count >= DEEPEST;
  const next = deep ? { ...base, way: 'bulk', page: null, location: null } : { ...base, ...found.next };
  return { records: found.records, gone: [], next: next, complete: false, askedFor: request.askedFor };
}

/** Where the next read of changes begins: at the newest change seen, but never after this read began. */
function complete({ since, began, newest }: Place): Cursor {
  const seen = later(since, newest) ?? began;
  return { since: seen !== null && began !== null && Date.parse(seen) > Date.parse(began) ? began : seen };
}

function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return Date.parse(a) < Date.parse(b) ? b : a;
}

function placeOf(session: ShopifySession, table: Table, { mode, after }: PageRequest): Place {
  if (after !== null && Object.hasOwn(after, 'way')) {
    const { data } = placeShape.safeParse(after);
    if (data === undefined) throw new Fault('CURSOR_EXPIRED', 'The cursor was not made by this release of Tideway.');
    return data;
  }
  const since = mode === 'changes' && typeof after?.['since'] === 'string' ? after['since'] : null;
  const bulk = since === null && session.settings.bulk && table.name !== 'locations';
  return placeShape.parse({ way: bulk ? 'bulk' : 'pages', since, began: null, newest: null });
}

/** The search that a read asks for: what changed, and what the mapping's filter lets through. */
function searchOf(session: ShopifySession, table: Table, { filter }: PageRequest, { since }: Place): string | null {
  if (filter !== null && (table.name === 'inventory_levels' || table.name === 'locations')) {
    throw new Fault('SETTINGS_INVALID', `Shopify has no search for "${table.name}", but it is mapped with a filter.`, {
      suggestion: 'Map it again without the filter.',
    });
  }
  // Quoted: Shopify stumbles over a bare colon, ignores the term and answers with every record.
  const changed = since === null ? null : `updated_at:>='${seconds(Date.parse(since) - session.settings.overlap)}'`;
  const terms = [changed, filter].filter((term) => term !== null);
  if (terms.length === 0) return null;
  return terms.length === 1 ? String(terms[0]) : terms.map((term) => `(${term})`).join(' AND ');
}

interface List {
  readonly records: readonly RemoteRecord[];
  readonly newest: string | null;
  readonly at: string;
  /** Null when nothing follows. */
  readonly next: Partial<Place> | null;
}

async function readList(session: ShopifySession, request: PageRequest, table: Table, place: Place): Promise<List> {
  const search = searchOf(session, table, request, place);
  if (table.name === 'inventory_levels') return readLevels(session, request, table, place, search);
  const selection = selectionOf(table, request.columns);
  const objects = objectsIn(selection);
  const lines = table.name === 'order_lines';
  const inner = lines
    ? `id updatedAt lineItems(first:${String(LINES)}){nodes{${selection}} pageInfo{hasNextPage endCursor}}`
    : selection;
  const weight = lines ? listCost(LINES, objects) : objects;
  const first = affordable(Math.min(request.limit, lines ? ORDERS : MOST_PER_PAGE), weight);
  const sort = table.name === 'locations' ? 'includeInactive:true' : `query:$query,sortKey:${sortOf(table, place)}`;
  const reply = await askFrom(session, place, {
    document:
      `query($first:Int!,$after:String${table.name === 'locations' ? '' : ',$query:String'})` +
      `{list:${table.root}(first:$first,after:$after,${sort}){nodes{${inner}} pageInfo{hasNextPage endCursor}}}`,
    variables: { first, after: place.page, ...(table.name === 'locations' ? {} : { query: search }) },
    cost: listCost(first, weight),
  });
  const { nodes, pageInfo } = pageOf(reply, reply.data['list']);
  const records: RemoteRecord[] = [];
  for (const node of nodes) {
    if (lines) records.push(...(await linesOf(session, request.columns, node, reply.answer)));
    else records.push(recordOf(table, request.columns, node));
  }
  return {
    records,
    newest: nodes.reduce<string | null>((latest, { updatedAt }) => later(latest, textOf(updatedAt)), null),
    at: reply.at,
    next: pageInfo.hasNextPage ? { page: pageInfo.endCursor } : null,
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function sortOf(table: Table, { since }: Place): string {
  return since === null ? 'ID' : (table.sortChanges ?? 'ID');
}

function affordable(limit: number, objects: number): number {
  let first = limit;
  while (first > 1 && listCost(first, objects) > MOST_POINTS) first = Math.ceil(first / 2);
  return first;
}

/** A cursor that the shop no longer takes means that the read has to begin again. */
async function askFrom(session: ShopifySession, { page }: Place, request: GraphqlRequest): Promise<GraphqlReply> {
  try {
    return await ask(session, request);
  } catch (error) {
    if (page !== null && error instanceof Fault && /cursor/i.test(error.facts.message)) {
      throw new Fault('CURSOR_EXPIRED', 'Shopify no longer knows where this read stood.', { cause: error });
    }
    throw error;
  }
}

function pageOf({ answer }: GraphqlReply, value: unknown): z.infer<typeof connection> {
  const page = connection.safeParse(value).data;
  if (page === undefined) throw answer.fault('a list has an unexpected shape', { code: 'BAD_RESPONSE' });
  if (page.pageInfo.hasNextPage && page.pageInfo.endCursor === null) {
    throw answer.fault('a list goes on, but says not where', { code: 'BAD_RESPONSE' });
  }
  return page;
}

/** Stock levels have no list of their own: they are read location by location, in the order of the locations' ids. */
async function readLevels(
  session: ShopifySession,
  request: PageRequest,
  table: Table,
  place: Place,
  search: string | null,
): Promise<List> {
  const { ids: locations, at } = await locationIds(session);
  // A location that is gone by now is followed by the next one.
  const location = locations.find((id) => place.location === null || ordinal(id) >= ordinal(place.location));
  if (location === undefined) return { records: [], newest: null, at, next: null };
  const page = location === place.location ? place.page : null;
  const selection = selectionOf(table, request.columns);
  const objects = objectsIn(selection);
  const first = affordable(Math.min(request.limit, MOST_PER_PAGE), objects);
  const reply = await askFrom(session, place, {
    document:
      `query($id:ID!,$first:Int!,$after:String,$query:String){location(id:$id){` +
      `inventoryLevels(first:$first,after:$after,query:$query){nodes{${selection}} pageInfo{hasNextPage endCursor}}}}`,
    variables: { id: location, first, after: page, query: search },
    cost: 1 + listCost(first, objects),
  });
  const shown = reply.data['location'] as Node | null;
  const { nodes, pageInfo } =
    shown === null
      ? { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } }
      : pageOf(reply, shown['inventoryLevels']);
  const following = locations.find((id) => ordinal(id) > ordinal(location));
  const next = pageInfo.hasNextPage
    ? { location, page: pageInfo.endCursor }
    : following === undefined
      ? null
      : { location: following, page: null };
  return { records: nodes.map((node) => recordOf(table, request.columns, node)), newest: null, at, next };
}

function ordinal(id: string): bigint {
  return BigInt(numberOf(id));
}

async function locationIds(session: ShopifySession): Promise<{ ids: readonly string[]; at: string }> {
  const ids: string[] = [];
  let after: string | null = null;
  for (;;) {
    const reply: GraphqlReply = await ask(session, {
      document:
        'query($after:String){locations(first:250,after:$after,includeInactive:true){nodes{id} pageInfo{hasNextPage endCursor}}}',
      variables: { after },
      cost: listCost(250, 0),
    });
    const { nodes, pageInfo } = pageOf(reply, reply.data['locations']);
    for (const { id } of nodes) {
      if (typeof id !== 'string' || !/\d+$/.test(id)) {
        throw reply.answer.fault('a location has no id', { code: 'BAD_RESPONSE' });
      }
      ids.push(id);
    }
    if (!pageInfo.hasNextPage) {
      return { ids: ids.sort((a, b) => (ordinal(a) < ordinal(b) ? -1 : 1)), at: reply.at };
    }
    after = pageInfo.endCursor;
  }
}
