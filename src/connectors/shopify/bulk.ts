import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { FieldValue, RemoteRecord } from '../../model/record.ts';
import { parseExactJson } from '../../runtime/exact-json.ts';
import type { Page, PageRequest } from '../connector.ts';
import { ask, type ShopifySession } from './client.ts';
import type { Place } from './place.ts';
import { isNode, recordOf, selectionOf, type Table } from './tables.ts';

/** Bytes of a result that are fetched before the length of its lines is known, and the most at once. */
const FIRST_PART = 256 * 1024;
const LARGEST_PART = 16 * 1024 * 1024;

const operation = z.object({
  id: z.string(),
  status: z.string(),
  errorCode: z.string().nullish(),
  objectCount: z.union([z.string(), z.number()]).nullish(),
  fileSize: z.union([z.string(), z.number()]).nullish(),
  url: z.string().nullish(),
  createdAt: z.string(),
});

type Operation = z.infer<typeof operation>;

const userErrors = z.array(
  z.object({ field: z.array(z.string()).nullish(), message: z.string(), code: z.string().nullish() }),
);

const SHAPE = 'id status errorCode objectCount fileSize url createdAt';

/** Reads a whole table through one bulk operation: started, waited for, then read part by part. */
export async function readBulk(
  session: ShopifySession,
  request: PageRequest,
  table: Table,
  place: Place,
  search: string | null,
): Promise<Page> {
  if (place.operation === null) {
    const started = await start(session, request, table, search);
    // Every place is taken by other operations of this app.
    if (started === null) return waiting(request, { ...place, polls: place.polls + 1 });
    const begun = { ...place, operation: started.id, began: place.began ?? started.createdAt, asked: request.askedFor };
    return follow(session, request, table, { ...begun, polls: 0 });
  }
  return follow(session, request, table, place);
}

async function start(
  session: ShopifySession,
  request: PageRequest,
  table: Table,
  search: string | null,
): Promise<Operation | null> {
  const { data, answer } = await ask(session, {
    document:
      `mutation($query:String!){bulkOperationRunQuery(query:$query,groupObjects:false)` +
      `{bulkOperation{${SHAPE}} userErrors{field message code}}}`,
    variables: { query: bulkQuery(table, request.columns, search) },
    cost: 10,
  });
  const payload = data['bulkOperationRunQuery'];
  if (!isNode(payload)) throw answer.fault('the answer names no bulk operation', { code: 'BAD_RESPONSE' });
  const [error] = userErrors.safeParse(payload['userErrors']).data ?? [];
  if (error !== undefined) {
    if (error.code === 'OPERATION_IN_PROGRESS' || error.code === 'LIMIT_REACHED') return null;
    throw answer.fault(`Shopify refuses to read "${table.name}" in bulk: ${error.message}`, {
      code: 'SETTINGS_INVALID',
      suggestion: 'Set "bulk": false for the connection to read page by page.',
    });
  }
  const { data: made } = operation.safeParse(payload['bulkOperation']);
  if (made === undefined) throw answer.fault('the answer names no bulk operation', { code: 'BAD_RESPONSE' });
  return made;
}

function bulkQuery(table: Table, columns: readonly string[], search: string | null): string {
  const selection = selectionOf(table, columns);
  const inner =
    table.name === 'order_lines'
      ? `id lineItems{edges{node{${selection}}}}`
      : table.name === 'inventory_levels'
        ? `id inventoryLevels${search === null ? '' : `(query:${JSON.stringify(search)})`}{edges{node{${selection}}}}`
        : selection;
  const terms = [
    ...(table.root === 'locations' ? ['includeInactive:true'] : []),
    ...(search === null || table.name === 'inventory_levels' ? [] : [`query:${JSON.stringify(search)}`]),
  ];
  return `{${table.root}${terms.length === 0 ? '' : `(${terms.join(',')})`}{edges{node{${inner}}}}}`;
}

function waiting(request: PageRequest, place: Place): Page {
  return {
    records: [],
    gone: [],
    next: place,
    complete: false,
    wait: Math.min(10_000, 1000 * 2 ** Math.min(place.polls, 4)),
    askedFor: place.asked ?? request.askedFor,
  };
}

async function follow(session: ShopifySession, request: PageRequest, table: Table, place: Place): Promise<Page> {
  const { data, answer } = await ask(session, {
    document: `query($id:ID!){bulkOperation(id:$id){${SHAPE}}}`,
    variables: { id: place.operation },
    cost: 1,
  });
  if (data['bulkOperation'] === null) throw again('Shopify no longer knows the bulk operation.');
  const { data: state } = operation.safeParse(data['bulkOperation']);
  if (state === undefined) throw answer.fault('the bulk operation has an unexpected shape', { code: 'BAD_RESPONSE' });
  switch (state.status) {
    case 'CREATED':
    case 'RUNNING':
      return waiting(request, { ...place, polls: place.polls + 1 });
    case 'COMPLETED':
      return readResult(session, request, table, place, state);
    default:
      if (state.errorCode === 'ACCESS_DENIED') {
        throw answer.fault(`the app may not read all columns of "${table.name}"`, { code: 'PERMISSION_DENIED' });
      }
      throw again(`The bulk operation ended as ${state.status}${state.errorCode ? ` (${state.errorCode})` : ''}.`);
  }
}

async function readResult(
  session: ShopifySession,
  request: PageRequest,
  table: Table,
  place: Place,
  state: Operation,
): Promise<Page> {
  const size = state.url ? Number(state.fileSize ?? NaN) : 0;
  const total = Number(state.objectCount ?? NaN);
  const nested = table.name === 'order_lines' || table.name === 'inventory_levels';
  const records: RemoteRecord[] = [];
  let { offset, lines } = place;
  if (state.url) {
    const part = await fetchLines(session, state.url, place, request.limit, size);
    for (const { text, end } of part) {
      if (records.length >= request.limit) break;
      const node = parseLine(text);
      const parent = node['__parentId'];
      if (!nested || parent !== undefined) records.push(recordOf(table, request.columns, node));
      offset = end;
      lines += 1;
    }
  }
  const complete = offset >= size;
  if (complete && lines !== total) {
    throw new Fault(
      'BAD_RESPONSE',
      `The result of the bulk operation holds ${String(lines)} objects, but Shopify counts ${String(total)}.`,
    );
  }
  return {
    records,
    gone: [],
    next: complete ? { since: place.began } : { ...place, offset, lines },
    complete,
    ...(nested ? {} : { total }),
    askedFor: place.asked ?? request.askedFor,
  };
}

interface Line {
  readonly text: string;
  /** Where the line after it begins. */
  readonly end: number;
}

/** Whole lines from the place on: about as many bytes as the page's records need. */
async function fetchLines(
  session: ShopifySession,
  url: string,
  { offset, lines }: Place,
  limit: number,
  size: number,
): Promise<Line[]> {
  const average = lines === 0 ? 0 : offset / lines;
  let bytes = average === 0 ? FIRST_PART : Math.ceil(average * limit * 1.2) + 4096;
  for (;;) {
    bytes = Math.min(bytes, LARGEST_PART);
    const last = Math.min(offset + bytes, size) - 1;
    const part = await fetchPart(session, url, offset, last, size);
    const found = split(part, offset, last + 1 === size);
    if (found.length > 0) return found;
    if (bytes === LARGEST_PART || last + 1 === size) {
      throw new Fault('BAD_RESPONSE', 'A line of the bulk operation’s result never ends.');
    }
    bytes *= 4;
  }
}

function split(part: Uint8Array, offset: number, isEnd: boolean): Line[] {
  const lines: Line[] = [];
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let from = 0;
  while (from < part.length) {
    const newline = part.indexOf(0x0a, from);
    if (newline === -1 && !isEnd) break;
    const to = newline === -1 ? part.length : newline;
    const after = newline === -1 ? to : to + 1;
    lines.push({ text: decoder.decode(part.subarray(from, to)), end: offset + after });
    from = after;
  }
  return lines;
}

async function fetchPart(
  session: ShopifySession,
  url: string,
  first: number,
  last: number,
  size: number,
): Promise<Uint8Array> {
  const answer = await session.http.send({
    method: 'GET',
    url,
    headers: { range: `bytes=${String(first)}-${String(last)}`, 'accept-encoding': 'identity' },
    cost: 0,
  });
  if (answer.status === 403 || answer.status === 404 || answer.status === 410 || answer.status === 416) {
    throw again('The result of the bulk operation can no longer be fetched.');
  }
  if (answer.status === 206) {
    const [, from, to, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.headers['content-range'] ?? '') ?? [];
    const whole = Number(from) === first && Number(to) === last && answer.body.length === last - first + 1;
    if (!whole || Number(total) !== size) {
      throw answer.fault('a part of the bulk operation’s result has another size than Shopify said', {
        code: 'BAD_RESPONSE',
      });
    }
    return answer.body;
  }
  if (answer.status !== 200) throw answer.fault();
  if (answer.body.length !== size) {
    throw answer.fault('the result of the bulk operation is not whole', { code: 'BAD_RESPONSE' });
  }
  return answer.body.subarray(first, last + 1);
}

function parseLine(text: string): Readonly<Record<string, FieldValue>> {
  try {
    const line = parseExactJson(text);
    if (isNode(line)) return line as Readonly<Record<string, FieldValue>>;
  } catch {
    // Said below.
  }
  throw new Fault('BAD_RESPONSE', 'A line of the bulk operation’s result is damaged.');
}

function again(why: string): Fault {
  return new Fault('CURSOR_EXPIRED', `${why} The read begins again.`);
}
