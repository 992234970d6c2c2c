import { Fault } from '../../model/fault.ts';
import type { Fields, RemoteRecord } from '../../model/record.ts';
import type { Cursor, IdsAnswer, IdsRequest, KeyAnswer, KeyRequest, Page, PageRequest, Session } from '../connector.ts';
import { createWooClient, type Listing, type Query, type WooClient } from './client.ts';
import { idOf, propertiesOf, toRecord, type WooRow } from './fields.ts';
import type { WooSettings } from './settings.ts';
import { WOO_TABLES, type WooTable } from './tables.ts';

/** Products whose variations make one page. */
const PRODUCTS_PER_PAGE = 5;
const SECOND = 1000;

export function tableNamed(name: string): WooTable {
  const table = WOO_TABLES.find((one) => one.name === name);
  if (table !== undefined) return table;
  throw new Fault('TABLE_MISSING', `WooCommerce has no table "${name}".`, {
    suggestion: `Use one of: ${WOO_TABLES.map((one) => one.name).join(', ')}.`,
  });
}

/** A place in a list that is sorted by id: the last id seen, and about how many records come before it. */
interface Anchor {
  readonly id: number;
  readonly offset: number;
}

const START: Anchor = { id: 0, offset: 0 };

/** Where a read is. `after` and `second` are the shop's times in GMT; `step` says whether the bin is being read. */
interface Place {
  readonly began: string;
  readonly since: string | null;
  readonly step: 'live' | 'bin';
  readonly after: string | null;
  readonly second: string | null;
  readonly anchor: Anchor;
}

export async function readPage(session: Session<WooSettings>, request: PageRequest): Promise<Page> {
  const table = tableNamed(request.table);
  if (request.filter !== null) {
    throw new Fault(
      'SETTINGS_INVALID',
      `WooCommerce has no filters of its own, but "${table.name}" is mapped with one.`,
      {
        suggestion: 'Map it again without the filter.',
      },
    );
  }
  const client = createWooClient(session);
  const limit = Math.max(
    2,
    table.ofProduct ? PRODUCTS_PER_PAGE : Math.min(request.limit, session.settings.records_per_page),
  );
  const source: Source = {
    client,
    path: table.ofProduct ? 'products' : table.path,
    query: {
      ...table.query,
      ...(table.ofProduct ? { type: 'variable', _fields: 'id,date_modified_gmt' } : shape(table, request.columns)),
    },
    limit,
  };
  const place = placeOf(request, table);
  const step = place.since === null ? await nextOfAll(source, place) : await nextOfChanges(source, place, table);
  const records = table.ofProduct
    ? await variationsOf(client, table, step.rows, request.columns)
    : step.rows.map((row) => toRecord(table, row, request.columns));
  const live = place.step === 'live';
  return {
    records: live ? records : [],
    gone: live || table.ofProduct ? [] : step.rows.map((row) => idOf(table, row)),
    next: step.next === null ? endOf(table, step.began) : { ...step.next, began: step.began },
    complete: step.next === null,
    ...(place.since === null && !table.ofProduct ? { total: step.total } : {}),
    askedFor: request.askedFor,
  };
}

interface Source {
  readonly client: WooClient;
  readonly path: string;
  readonly query: Query;
  readonly limit: number;
}

interface Step {
  readonly rows: readonly WooRow[];
  readonly began: string;
  /** Null: nothing follows. */
  readonly next: Cursor | null;
  readonly total: number;
}

function placeOf({ mode, after: cursor }: PageRequest, { changes }: WooTable): Place {
  const text = (name: string): string | null => (typeof cursor?.[name] === 'string' ? cursor[name] : null);
  const number = (name: string): number => (typeof cursor?.[name] === 'number' ? cursor[name] : 0);
  const inside = text('step') !== null;
  return {
    began: text('began') ?? '',
    since: changes && (inside || mode === 'changes') ? text('since') : null,
    step: text('step') === 'bin' ? 'bin' : 'live',
    after: text('after'),
    second: text('second'),
    anchor: { id: number('id'), offset: number('offset') },
  };
}

/** A read of changes begins where this one began; what cannot show changes is read anew. */
function endOf({ changes }: WooTable, began: string): Cursor | null {
  return changes ? { since: began } : null;
}

async function nextOfAll(source: Source, place: Place): Promise<Step> {
  const { rows, total, at, anchor, complete } = await behind(source, source.query, place.anchor);
  return {
    rows,
    total,
    began: place.began || toGmt(at),
    next: complete ? null : { step: 'live', id: anchor.id, offset: anchor.offset },
  };
}

/**
 * Records in the order of their change, always from page 1 of what is later than the last whole second: records move only
 * to the end. When one second fills a page, that second alone is walked by id. Then the bin, in the same way.
 */
async function nextOfChanges(source: Source, place: Place, table: WooTable): Promise<Step> {
  const { since, second, step } = place;
  if (since === null) throw new Fault('INTERNAL', 'A read of changes has no beginning.');
  const inBin: Query = step === 'bin' ? { status: 'trash' } : {};
  const dated = (query: Query): Query => ({ ...source.query, ...inBin, ...query, dates_are_gmt: 'true' });
  const cursor = (next: Omit<Partial<Place>, 'anchor'> & { anchor?: Anchor }): Cursor => ({
    since,
    step,
    after: next.after ?? null,
    second: next.second ?? null,
    id: next.anchor?.id ?? 0,
    offset: next.anchor?.offset ?? 0,
  });
  const afterStep = step === 'live' && table.trash ? { ...cursor({}), step: 'bin' } : null;

  if (second !== null) {
    const window = dated({ modified_after: shift(second, -1), modified_before: shift(second, 1) });
    const { rows, total, at, anchor, complete } = await behind(source, window, place.anchor);
    const next = complete ? cursor({ after: second }) : cursor({ second, anchor });
    return { rows, total, began: place.began || toGmt(at), next };
  }

  const after = place.after ?? shift(since, -Math.ceil(source.client.overlap / SECOND));
  const listing = await source.client.list(source.path, {
    ...dated({ modified_after: after, orderby: 'modified', order: 'asc' }),
    per_page: String(source.limit),
  });
  const { rows, total, at } = listing;
  const began = place.began || toGmt(at);
  if (rows.length < source.limit) {
    believable(listing, 0, source);
    return { rows, total, began, next: afterStep };
  }
  const [first, last] = [modifiedOf(rows[0], source), modifiedOf(rows.at(-1), source)];
  const next = first === last ? cursor({ second: last }) : cursor({ after: shift(last, -1) });
  return { rows, total, began, next };
}

/**
 * The records behind an anchor, sorted by id. The app pages by counting, so a record that is deleted moves all later ones
 * forward: each page overlaps the one before, and goes back until it joins it.
 */
async function behind(
  source: Source,
  query: Query,
  anchor: Anchor,
): Promise<Listing & { readonly anchor: Anchor; readonly complete: boolean }> {
  const overlap = Math.min(10, Math.floor(source.limit / 2));
  let from = Math.max(0, anchor.offset - overlap);
  for (;;) {
    const listing = await source.client.list(source.path, {
      ...query,
      orderby: 'id',
      order: 'asc',
      per_page: String(source.limit),
      offset: String(from),
    });
    const { rows, total } = listing;
    const joins = from === 0 || (rows[0] !== undefined && rows[0].id <= anchor.id);
    if (!joins) {
      from = Math.max(0, from - source.limit);
      continue;
    }
    believable(listing, from, source);
    const fresh = rows.filter(({ id }) => id > anchor.id);
    const end = from + rows.length;
    return {
      ...listing,
      rows: fresh,
      anchor: { id: fresh.at(-1)?.id ?? anchor.id, offset: end },
      complete: end >= total,
    };
  }
}

/** A short page that is not the last contradicts the app's own count. */
function believable({ rows, total }: Listing, from: number, { limit, path }: Source): void {
  if (rows.length >= limit || from + rows.length >= total) return;
  throw new Fault(
    'BAD_RESPONSE',
    `The shop counts ${String(total)} records at ${path} but shows only ${String(rows.length)} from number ${String(from)} on.`,
  );
}

async function variationsOf(
  client: WooClient,
  table: WooTable,
  products: readonly WooRow[],
  columns: readonly string[],
): Promise<RemoteRecord[]> {
  const records: RemoteRecord[] = [];
  for (const { id } of products) {
    const source: Source = {
      client,
      path: `products/${String(id)}/variations`,
      query: shape(table, columns),
      limit: 100,
    };
    let anchor = START;
    for (let complete = false; !complete;) {
      const part = await behind(source, source.query, anchor);
      records.push(...part.rows.map((row) => toRecord(table, { ...row, parent_id: id }, columns)));
      ({ anchor, complete } = part);
    }
  }
  return records;
}

export async function readByIds(session: Session<WooSettings>, request: IdsRequest): Promise<IdsAnswer> {
  const table = tableNamed(request.table);
  const client = createWooClient(session);
  const records: RemoteRecord[] = [];
  for (const [path, ids] of addresses(table, request.ids)) {
    // What is no number was never an id here.
    const numbers = ids.filter((id) => /^\d+$/.test(id)).map(Number);
    for (let at = 0; at < numbers.length; at += 100) {
      const rows = await readRows(client, table, path, numbers.slice(at, at + 100), request.columns);
      records.push(...rows.map((row) => toRecord(table, row, request.columns)));
    }
  }
  const found = new Set(records.map(({ id }) => id));
  return { records, missing: request.ids.filter((id) => !found.has(id)), askedFor: request.askedFor };
}

/** Records with these numbers; those in the bin are not shown. */
export async function readRows(
  client: WooClient,
  table: WooTable,
  path: string,
  ids: readonly number[],
  columns: readonly string[],
): Promise<WooRow[]> {
  if (ids.length === 0) return [];
  const query = {
    ...table.query,
    ...shape(table, columns),
    include: ids.join(','),
    orderby: 'id',
    order: 'asc',
    per_page: '100',
  };
  const listing = await client.list(path, query);
  believable(listing, 0, { client, path, query, limit: 100 });
  const product = /^products\/(\d+)\/variations$/.exec(path)?.[1];
  const wanted = new Set(ids);
  return listing.rows
    .filter(({ id }) => wanted.has(id))
    .map((row) => (product === undefined ? row : { ...row, parent_id: Number(product) }));
}

/** Where records are found: variations below their product. */
export function addresses(table: WooTable, ids: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const id of ids) {
    const [product = '', variation] = id.split('/');
    if (table.ofProduct && (variation === undefined || !/^\d+$/.test(product))) continue;
    const path = table.ofProduct ? variationsPath(product) : table.path;
    found.set(path, [...(found.get(path) ?? []), variation ?? id]);
  }
  return found;
}

export function variationsPath(product: string): string {
  return `products/${product}/variations`;
}

export async function findByKey(session: Session<WooSettings>, request: KeyRequest): Promise<KeyAnswer> {
  const table = tableNamed(request.table);
  const parameter = table.findBy[request.column];
  if (parameter === undefined) {
    throw new Fault('SETTINGS_INVALID', `WooCommerce cannot search "${table.name}" by "${request.column}".`, {
      column: request.column,
    });
  }
  const client = createWooClient(session);
  const columns = [...new Set([...request.columns, request.column])];
  const records: RemoteRecord[] = [];
  for (const value of new Set(request.values.filter((one) => one !== null).map(String))) {
    const source: Source = {
      client,
      path: table.path,
      query: { ...table.query, ...shape(table, columns), [parameter]: value },
      limit: 100,
    };
    let anchor = START;
    for (let complete = false; !complete;) {
      const part = await behind(source, source.query, anchor);
      records.push(
        ...part.rows
          .map((row) => toRecord(table, row, columns))
          .filter(({ fields }) => same(fields, request.column, value)),
      );
      ({ anchor, complete } = part);
    }
  }
  return { records, askedFor: request.askedFor };
}

/** A search by name finds more than was asked for; codes, addresses and SKUs are the same in either case. */
function same(fields: Fields, column: string, value: string): boolean {
  const shown = fields[column];
  const text = typeof shown === 'string' ? shown : JSON.stringify(shown ?? null);
  return column === 'name' ? text === value : text.toLowerCase() === value.toLowerCase();
}

/** As a write answers, not as the shop's pages show it: descriptions come without the markup that WordPress adds. */
function shape(table: WooTable, columns: readonly string[]): Query {
  return { context: 'edit', _fields: propertiesOf(table, columns) };
}

function modifiedOf(row: WooRow | undefined, { path }: Source): string {
  const modified = row?.['date_modified_gmt'];
  if (typeof modified === 'string' && modified !== '') return modified;
  throw new Fault('BAD_RESPONSE', `A record at ${path} does not say when it was changed.`);
}

function shift(gmt: string, seconds: number): string {
  return toGmt(Date.parse(`${gmt}Z`) + seconds * SECOND);
}

function toGmt(at: number): string {
  return new Date(at).toISOString().slice(0, 19);
}
