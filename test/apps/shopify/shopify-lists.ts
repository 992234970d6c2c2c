import { GraphQLError } from 'graphql';
import { parseSearch, type SearchWarning } from './shopify-search.ts';
import { SEARCH_FIELDS, type ShopifyStore } from './shopify-store.ts';

export interface ListArguments {
  readonly first?: number | null;
  readonly after?: string | null;
  readonly last?: number | null;
  readonly query?: string | null;
  readonly sortKey?: string | null;
}

/** What belongs to one request. */
export interface RequestContext {
  readonly store: ShopifyStore;
  /** In a bulk operation lists have no pages. */
  readonly bulk: boolean;
  readonly search: { path: string[]; query: string; parsed: string; warnings: SearchWarning[] }[];
}

export const badRequest = (message: string, code = 'BAD_REQUEST'): GraphQLError =>
  new GraphQLError(message, { extensions: { code } });

interface Listed {
  readonly id: string;
  readonly number: number;
  readonly updatedAt?: string;
}

interface ListCursor {
  readonly last_id: number;
  readonly last_value: string | number;
}

/** A Relay connection: cursors say behind which value and id the page begins, so that nothing that moves hides a record. */
export function listOf<Item extends Listed, Shown>(
  context: RequestContext,
  name: string,
  items: Iterable<Item>,
  args: ListArguments,
  show: (item: Item) => Shown,
): { edges: { cursor: string; node: Shown }[]; nodes: Shown[]; pageInfo: object } {
  const { store, bulk, search } = context;
  const { first, last, after, query, sortKey } = args;
  if (!bulk) {
    if (typeof first !== 'number' && typeof last !== 'number') {
      throw badRequest('you must provide one of first or last');
    }
    if ((first ?? last ?? 0) > 250) throw badRequest(`first cannot exceed 250, got ${String(first ?? last)}`);
  }
  let found = [...items];
  if (query !== null && query !== undefined && query !== '') {
    const fields = (SEARCH_FIELDS as Readonly<Record<string, readonly string[]>>)[name] ?? [];
    const { test, warnings } = parseSearch(query, fields);
    if (warnings.length > 0) search.push({ path: [name], query, parsed: query, warnings });
    found = found.filter((item) => {
      const document = store.indexed(item.id);
      return document !== undefined && test(document);
    });
  }
  const valueOf = (item: Item): string | number =>
    sortKey === 'UPDATED_AT' ? Date.parse(item.updatedAt ?? '') : item.number;
  found.sort((a, b) => Number(valueOf(a)) - Number(valueOf(b)) || a.number - b.number);
  if (after !== null && after !== undefined && !bulk) {
    const { last_id: id, last_value: value } = readCursor(after);
    found = found.filter(
      (item) => Number(valueOf(item)) > Number(value) || (Number(valueOf(item)) === Number(value) && item.number > id),
    );
  }
  const page = bulk ? found : found.slice(0, first ?? last ?? 0);
  const edges = page.map((item) => ({
    cursor: Buffer.from(JSON.stringify({ last_id: item.number, last_value: valueOf(item) })).toString('base64'),
    node: show(item),
  }));
  return {
    edges,
    nodes: edges.map(({ node }) => node),
    pageInfo: {
      hasNextPage: found.length > page.length,
      hasPreviousPage: typeof after === 'string',
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

function readCursor(text: string): ListCursor {
  try {
    const cursor = JSON.parse(Buffer.from(text, 'base64').toString()) as Partial<ListCursor>;
    if (typeof cursor.last_id === 'number' && cursor.last_value !== undefined) return cursor as ListCursor;
  } catch {
    // Said below.
  }
  throw badRequest('Malformed cursor');
}
