import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PlainFaults, type FaultScript } from '../plain/plain-faults.ts';
import { parseSelect } from './glide-sql.ts';
import { GlideStore, type GlideCommand, type GlideEffect, type GlideRecord, type GlideTable } from './glide-store.ts';

export interface GlideAppOptions {
  readonly port?: number;
  readonly token: string;
  readonly app: { readonly id: string; readonly name: string };
  readonly tables: readonly GlideTable[];
  readonly pageSize?: number;
  /** Milliseconds until a mutation is applied; Infinity: when `applyAll` is called. */
  readonly applyAfter?: number;
  /** Applies what is queued in the reverse of its order. */
  readonly reverse?: boolean;
  /** The status of a call of which some mutations failed: 200 and the list, or this and the list. */
  readonly partialStatus?: number;
  /** The plan does not include reading. */
  readonly noReading?: boolean;
  readonly now?: () => number;
}

interface GlideRequest {
  readonly line: string;
  readonly body: unknown;
  readonly headers: IncomingMessage['headers'];
}

export interface GlideApp {
  readonly url: string;
  journal(): readonly GlideEffect[];
  rows(table: string): readonly GlideRecord[];
  /** What a person does in the app: applied at once. */
  edit(table: string, command: GlideCommand): void;
  applyAll(): void;
  fail(script: FaultScript): void;
  expireCursors(): void;
  requests(): readonly GlideRequest[];
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

type Json = Readonly<Record<string, unknown>>;

/** Glide's three surfaces on one address, as strict as what is known of them. */
export async function startGlideApp(options: GlideAppOptions): Promise<GlideApp> {
  const { token, app, pageSize = 10_000, applyAfter = 0, now = Date.now } = options;
  const store = new GlideStore(options.tables);
  const faults = new PlainFaults();
  const requests: GlideRequest[] = [];
  const stashes = new Map<string, Map<number, unknown>>();
  let cursorAge = 0;
  const apply = (until = now()): void => {
    store.applyDue(until, options.reverse);
  };

  const serve = (request: IncomingMessage, url: URL, raw: string): Answer => {
    apply();
    const method = request.method ?? '';
    const path = url.pathname;
    if (request.headers.authorization !== `Bearer ${token}`) return badToken(path.startsWith('/api/function'));
    if (raw.length > 15 * 1024 * 1024) return failure(413, 'request_too_large', 'The request is too large.');
    let body: unknown;
    try {
      body = raw === '' ? undefined : JSON.parse(raw);
    } catch {
      return failure(400, 'request_validation_error', 'The body is not JSON.');
    }
    if (path.startsWith('/api/function/')) {
      if (method !== 'POST' || !isObject(body)) return said(400, 'A JSON object was expected');
      if (body['appID'] !== app.id) return said(404, 'App not found');
      if (path.endsWith('/queryTables')) return queryTables(body);
      return path.endsWith('/mutateTables') ? mutateTables(body) : said(404, 'Not found');
    }
    return path.startsWith('/api/') ? directory(method, path.slice(4), body) : v2(request, url, body);
  };

  const queryTables = (body: Json): Answer => {
    if (options.noReading) return said(402, 'Your plan does not include reading rows');
    const { queries, ...rest } = body;
    const strange = Object.keys(rest).find((name) => name !== 'appID');
    if (strange !== undefined) return said(400, `Unexpected property '${strange}'`);
    if (!Array.isArray(queries) || queries.length === 0 || !queries.every(isObject)) return said(400, 'No queries');
    const answers: unknown[] = [];
    for (const query of queries) {
      const unknown = Object.keys(query).find((key) => !['tableName', 'sql', 'params', 'startAt', 'utc'].includes(key));
      if (unknown !== undefined) return said(400, `Unexpected property '${unknown}'`);
      const found = choose(query);
      if ('status' in found) return found;
      answers.push(found);
    }
    return { status: 200, body: answers };
  };

  const choose = (query: Json): Answer | { rows: unknown[]; next?: string } => {
    const { sql, params = [], tableName, startAt } = query;
    let rows: readonly GlideRecord[];
    if (typeof sql === 'string') {
      const select = parseSelect(sql, Array.isArray(params) ? params : []);
      if (select === null) return said(400, 'Invalid SQL query');
      const table = store.table(select.table);
      if (table === undefined) return said(404, 'Table not found');
      if (table.big !== true) return said(400, 'SQL queries need a Big Table');
      const { orderBy, limit } = select;
      rows = store.rows(table.id).filter(select.matches);
      if (orderBy !== undefined) {
        const sign = orderBy.descending ? -1 : 1;
        const key = (row: GlideRecord): string => JSON.stringify(row.cells[orderBy.column] ?? null);
        rows = [...rows].sort((a, b) => sign * (key(a) < key(b) ? -1 : 1));
      }
      if (limit !== undefined) rows = rows.slice(0, limit);
    } else {
      const table = store.table(tableName);
      if (table === undefined) return said(404, 'Table not found');
      rows = store.rows(table.id);
    }
    const from = readPlace(startAt);
    if (from === null) return said(400, 'Invalid continuation');
    const rest = rows.filter(({ number }) => number > from);
    const page = rest.slice(0, pageSize);
    const last = page.at(-1);
    return { rows: page.map(show), ...(last && rest.length > page.length ? { next: place(last) } : {}) };
  };

  const place = ({ number }: GlideRecord): string =>
    Buffer.from(JSON.stringify({ number, age: cursorAge })).toString('base64url');

  const readPlace = (text: unknown): number | null => {
    if (text === undefined || text === null) return 0;
    try {
      const { number, age } = JSON.parse(
        Buffer.from(typeof text === 'string' ? text : '', 'base64url').toString(),
      ) as Record<string, number>;
      return age === cursorAge && number !== undefined ? number : null;
    } catch {
      return null;
    }
  };

  const mutateTables = (body: Json): Answer => {
    const { mutations } = body;
    if (!Array.isArray(mutations) || mutations.length === 0) return said(400, 'No mutations');
    if (mutations.length > 500) return said(400, 'More than 500 mutations');
    const results = mutations.map((one): Json => {
      const command = parseMutation(one);
      if (typeof command === 'string') return { error: command };
      const { table, ...rest } = command;
      store.enqueue(now() + applyAfter, table, rest);
      return rest.op === 'create' ? { rowID: rest.id } : {};
    });
    // A table that is not there fails the call, not one entry.
    if (results.some(({ error }) => error === 'Table not found')) return said(404, 'Table not found');
    if (applyAfter === 0) apply();
    const failed = results.some(({ error }) => error !== undefined);
    return { status: failed ? (options.partialStatus ?? 200) : 200, body: results };
  };

  const parseMutation = (one: unknown): (GlideCommand & { table: string }) | string => {
    if (!isObject(one)) return 'A mutation is an object';
    const { kind, tableName, rowID, columnValues, ...rest } = one;
    const strange = Object.keys(rest)[0];
    if (strange !== undefined) return `Unexpected property '${strange}'`;
    const table = store.table(tableName);
    if (table === undefined) return 'Table not found';
    const op = { 'add-row-to-table': 'create', 'set-columns-in-row': 'update', 'delete-row': 'delete' }[
      String(kind)
    ] as GlideCommand['op'] | undefined;
    if (op === undefined) return `Unknown mutation kind '${String(kind)}'`;
    if (op === 'create' ? rowID !== undefined : typeof rowID !== 'string') return 'Invalid rowID';
    if (op === 'delete' ? columnValues !== undefined : !isObject(columnValues)) return 'Invalid columnValues';
    const cells = isObject(columnValues) ? columnValues : {};
    const refusal = store.check(table.id, cells);
    if (refusal) return refusal.message;
    return { table: table.id, op, id: op === 'create' ? store.newId() : String(rowID), cells };
  };

  const directory = (method: string, path: string, body: unknown): Answer => {
    const [, appId, tableId, leaf] = /^\/apps(?:\/([^/]+)\/tables(?:\/([^/]+)\/(schema|rows))?)?$/.exec(path) ?? [];
    if (method === 'GET' && path === '/me') return { status: 200, body: { id: 'user-1', name: 'Ada' } };
    if (method === 'GET' && path === '/apps') return { status: 200, body: { data: [app] } };
    if (appId !== app.id) return failure(404, 'app_not_found', 'App not found');
    if (tableId === undefined) {
      return { status: 200, body: { data: store.tables.map(({ id, name }) => ({ id, name })) } };
    }
    const table = store.table(decodeURIComponent(tableId));
    if (table === undefined) return failure(404, 'table_not_found', 'Table not found');
    if (method === 'GET' && leaf === 'schema') {
      const columns = table.columns.map(({ id, name = id, kind }) => ({ id, name, type: { kind } }));
      return { status: 200, body: { data: { columns } } };
    }
    return method === 'POST' && leaf === 'rows'
      ? addRows(table, Array.isArray(body) ? body : [body], 200)
      : failure(404, 'not_found', 'There is nothing here');
  };

  const addRows = (table: GlideTable, rows: readonly unknown[], status: number): Answer => {
    for (const row of rows) {
      if (!isObject(row)) return failure(422, 'request_validation_error', 'A row is an object');
      const refusal = store.check(table.id, row);
      if (refusal) return failure(422, refusal.type, refusal.message);
    }
    const ids = rows.map((cells) => {
      const id = store.newId();
      store.apply(table.id, { op: 'create', id, cells: cells as Json }, 'api');
      return id;
    });
    return { status, body: { data: { rowIDs: ids } } };
  };

  const v2 = (request: IncomingMessage, url: URL, body: unknown): Answer => {
    const method = request.method ?? '';
    const stash = /^\/stashes\/([A-Za-z0-9][A-Za-z0-9_-]{0,255})\/([A-Za-z0-9][A-Za-z0-9_-]{0,255})$/.exec(
      url.pathname,
    );
    if (stash && method === 'PUT') {
      if (!Array.isArray(body)) return failure(422, 'request_validation_error', 'A stash takes rows');
      const pieces = stashes.get(stash[1] ?? '') ?? new Map<number, unknown>();
      stashes.set(stash[1] ?? '', pieces.set(Number(stash[2]), body));
      return { status: 200, body: {} };
    }
    if (method === 'GET' && url.pathname === '/tables') {
      const big = store.tables.filter((table) => table.big === true);
      return { status: 200, body: { data: big.map(({ id, name }) => ({ id, name })) } };
    }
    const [, tableId, rowId] = /^\/tables\/([^/]+)\/rows(?:\/([^/]+))?$/.exec(url.pathname) ?? [];
    if (tableId === undefined) return failure(404, 'not_found', 'There is nothing here');
    const table = store.table(decodeURIComponent(tableId));
    if (table === undefined) return failure(404, 'table_not_found', 'Table not found');
    if (table.big !== true) return failure(404, 'table_not_big_table', 'Table is not a Big Table');
    const headers = { etag: `"${String(store.version(table.id))}"` };
    if (rowId === undefined) {
      if (method === 'HEAD') return { status: 200, body: '', headers };
      if (method === 'POST') {
        const named = isObject(body) ? body['$stashID'] : undefined;
        const pieces = typeof named === 'string' ? stashes.get(named) : undefined;
        if (named !== undefined && pieces === undefined) {
          return failure(400, 'request_validation_error', 'The stash is not there');
        }
        const rows = pieces ? [...pieces].sort(([a], [b]) => a - b).flatMap(([, piece]) => piece) : body;
        return Array.isArray(rows)
          ? addRows(table, rows, 201)
          : failure(422, 'request_validation_error', 'Rows were expected');
      }
      if (method !== 'GET') return failure(405, 'request_validation_error', 'Not allowed');
      const limit = Number(url.searchParams.get('limit') ?? pageSize);
      if (!Number.isInteger(limit) || limit < 1) return failure(400, 'request_validation_error', 'Invalid limit');
      const from = readPlace(url.searchParams.get('continuation'));
      if (from === null) return failure(400, 'request_validation_error', 'Invalid continuation');
      const rest = store.rows(table.id).filter(({ number }) => number > from);
      const page = rest.slice(0, Math.min(limit, pageSize));
      const last = page.at(-1);
      const next = last && rest.length > page.length ? { continuation: place(last) } : {};
      return { status: 200, body: { data: page.map(show), ...next }, headers };
    }
    const id = decodeURIComponent(rowId);
    if (method === 'DELETE') {
      store.apply(table.id, { op: 'delete', id, cells: {} }, 'api');
      return { status: 200, body: {} };
    }
    const row = store.row(table.id, id);
    if (row === undefined) return failure(404, 'row_not_found', 'Row not found');
    if (method === 'GET') return { status: 200, body: { data: show(row) } };
    if (method !== 'PATCH' || !isObject(body)) return failure(405, 'request_validation_error', 'Not allowed');
    const given = request.headers['if-match'];
    if (given !== undefined && !(row.version <= Number(given.replaceAll('"', '')))) {
      return failure(412, 'precondition_failed', 'The row has changed');
    }
    const refusal = store.check(table.id, body);
    if (refusal) return failure(422, refusal.type, refusal.message);
    store.apply(table.id, { op: 'update', id, cells: body }, 'api');
    return { status: 200, body: {} };
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://glide');
    const fault = faults.take(request);
    if (fault?.kind === 'reset') return void request.socket.resetAndDestroy();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks).toString();
    requests.push({
      line: `${request.method ?? ''} ${url.pathname}`,
      body: raw === '' ? undefined : (JSON.parse(raw) as unknown),
      headers: request.headers,
    });
    const type = { 'content-type': 'application/json' };
    if (fault === undefined) {
      const { status, body, headers } = serve(request, url, raw);
      response.writeHead(status, { ...type, ...headers });
      return void response.end(request.method === 'HEAD' ? undefined : JSON.stringify(body));
    }
    switch (fault.kind) {
      case 'status':
        if (fault.applied) serve(request, url, raw);
        response.writeHead(fault.status, { ...type, ...fault.headers });
        return void response.end(fault.body ?? '{"message":"A scripted failure"}');
      case 'drop_answer':
        serve(request, url, raw);
        return void request.socket.resetAndDestroy();
      case 'truncate': {
        const text = JSON.stringify(serve(request, url, raw).body);
        const half = text.slice(0, text.length / 2);
        if (fault.clean) return void response.writeHead(200, type).end(half);
        response.writeHead(200, { ...type, 'content-length': String(Buffer.byteLength(text)) });
        return void response.write(half, () => request.socket.destroy());
      }
      case 'body':
        return void response.writeHead(200, { 'content-type': fault.contentType }).end(fault.body);
      case 'hang':
        return;
      case 'delay':
      case 'late':
        throw new Error(`The stand-in knows no fault "${fault.kind}".`);
    }
  };

  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    journal: () => {
      apply();
      return store.journal;
    },
    rows: (table) => {
      apply();
      return store.rows(table);
    },
    edit: (table, command) => {
      store.apply(table, command, 'person');
    },
    applyAll: () => {
      apply(Infinity);
    },
    fail: (script) => {
      faults.add(script);
    },
    expireCursors: () => {
      cursorAge += 1;
    },
    requests: () => requests,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Cells that are empty are left out. */
function show({ id, cells }: GlideRecord): unknown {
  return { $rowID: id, ...cells };
}

function said(status: number, message: string): Answer {
  return { status, body: { message } };
}

function failure(status: number, type: string, message: string): Answer {
  return { status, body: { error: { type, message } } };
}

/** Not a 401, and the token is masked. */
function badToken(functions: boolean): Answer {
  const message = 'API key not found, or duplicate IN****ID';
  return functions ? said(404, message) : failure(404, 'request_error', message);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
