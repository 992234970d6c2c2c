import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PlainFaults, type FaultScript, type PlainFault } from './plain-faults.ts';
import { renderPage } from './plain-page.ts';
import {
  PlainStore,
  type JournalEntry,
  type PlainRecord,
  type PlainTable,
  type WriteCommand,
  type WriteResult,
} from './plain-store.ts';
import { toWire } from './plain-values.ts';
import { PlainWebhooks, type Delivery } from './plain-webhooks.ts';

export interface PlainAppOptions {
  /** 0 or absent: any free port. */
  readonly port?: number;
  /** Absent: the loopback interface. */
  readonly host?: string;
  readonly token: string;
  readonly title?: string;
  readonly tables: readonly PlainTable[];
  readonly now?: () => number;
  readonly granularity?: number;
  readonly visibleAfter?: number;
  readonly rowsPerWrite?: number;
  readonly recordsPerPage?: number;
  readonly bodyLimit?: number;
  /** Leaves empty values out of records, as many apps do. */
  readonly omitEmpty?: boolean;
  /** Refuses the whole batch when one row is bad. */
  readonly allOrNothing?: boolean;
  /** Whether idempotency keys are obeyed; default true. */
  readonly idempotency?: boolean;
  /** More requests than this in a second are answered 429. */
  readonly requestsPerSecond?: number;
  readonly journalFile?: string;
}

/** A running stand-in. */
export interface PlainApp {
  readonly url: string;
  readonly token: string;
  /** Every accepted effect, oldest first: the independent witness. */
  journal(): readonly JournalEntry[];
  /** What is true in the app now, whether reads show it already or not. */
  records(table: string): readonly PlainRecord[];
  /** What a person does in the app: no rate limit, no fault, no idempotency. */
  edit(table: string, command: WriteCommand): WriteResult;
  replaceTable(table: PlainTable): void;
  fail(script: FaultScript): void;
  clearFaults(): void;
  /** Lets the requests held by `late` faults take effect. */
  releaseHeld(): void;
  /** Shows every write now. */
  revealAll(): void;
  /** Makes the app forget every cursor it gave out. */
  expireCursors(): void;
  /** Changes the token, as when somebody revokes it. */
  setToken(token: string): void;
  /** Requests that reached the app, by `METHOD /path`. */
  requests(): readonly string[];
  deliveries(): readonly Delivery[];
  /** Resolves when no webhook delivery is under way. */
  webhooksQuiet(): Promise<void>;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly html?: boolean;
}

/** A strict HTTP app of no particular make: what a connector can be built and proven against. */
export async function startPlainApp(options: PlainAppOptions): Promise<PlainApp> {
  const {
    now = Date.now,
    title = 'Plain',
    rowsPerWrite = 100,
    recordsPerPage = 200,
    bodyLimit = 1024 * 1024,
  } = options;
  let token = options.token;
  let cursorAge = 0;
  const requests: string[] = [];
  const recent: number[] = [];
  const held: (() => void)[] = [];
  const faults = new PlainFaults();
  const webhooks = new PlainWebhooks(now);
  const store = new PlainStore({
    tables: options.tables,
    now,
    granularity: options.granularity ?? 1,
    visibleAfter: options.visibleAfter ?? 0,
    journalFile: options.journalFile,
    onChange: (changed) => {
      webhooks.ring(changed);
    },
  });

  const serve = (request: IncomingMessage, url: URL, body: unknown): Answer => {
    if (url.pathname === '/') return { status: 200, body: renderPage(title, store), html: true };
    if (!sameToken(request.headers.authorization, token)) return refuse(401, 'unauthorized', 'The token is not valid.');
    const route = `${request.method ?? ''} ${url.pathname}`;
    if (url.pathname.startsWith('/_admin/')) return admin(route, url, body);
    if (throttled()) return { ...refuse(429, 'too_many_requests', 'Slow down.'), headers: { 'retry-after': '1' } };
    if (route === 'GET /v1/account') return { status: 200, body: { id: 'plain-account', title } };
    if (route === 'GET /v1/tables') return { status: 200, body: { tables: store.tables.map(describeTable) } };
    if (route === 'POST /v1/webhooks') return subscribe(body);
    const [, tableId, verb] = /^\/v1\/tables\/([^/]+)\/records(?:\/(read|find|write))?$/.exec(url.pathname) ?? [];
    const table = tableId === undefined ? undefined : store.table(decodeURIComponent(tableId));
    if (table === undefined)
      return refuse(
        404,
        tableId === undefined ? 'no_such_route' : 'no_such_table',
        `There is nothing at ${url.pathname}.`,
      );
    if (verb === undefined && request.method === 'GET') return list(table, url.searchParams);
    if (request.method !== 'POST' || !isObject(body)) return refuse(400, 'bad_request', 'A JSON object was expected.');
    if (verb === 'read') return readByIds(table, body);
    if (verb === 'find') return find(table, body);
    return verb === 'write' ? write(table, body) : refuse(405, 'bad_request', 'Use GET.');
  };

  const throttled = (): boolean => {
    if (options.requestsPerSecond === undefined) return false;
    const time = now();
    while (recent[0] !== undefined && recent[0] <= time - 1000) recent.shift();
    if (recent.length >= options.requestsPerSecond) return true;
    recent.push(time);
    return false;
  };

  const list = (table: PlainTable, query: URLSearchParams): Answer => {
    const unknown = [...query.keys()].find((name) => !['limit', 'cursor', 'modified_after', 'column'].includes(name));
    if (unknown !== undefined) return refuse(400, 'unknown_parameter', `There is no parameter "${unknown}".`);
    const limit = Number(query.get('limit') ?? recordsPerPage);
    if (!Number.isInteger(limit) || limit < 1 || limit > recordsPerPage) {
      return refuse(400, 'bad_parameter', `limit goes from 1 to ${String(recordsPerPage)}.`);
    }
    const after = query.get('modified_after');
    if (after !== null && Number.isNaN(Date.parse(after)))
      return refuse(400, 'bad_parameter', 'modified_after is not a date-time.');
    const columns = chosenColumns(table, query.has('column') ? query.getAll('column') : undefined);
    if (typeof columns === 'string') return refuse(400, 'unknown_column', `There is no column "${columns}".`, columns);
    const cursor = readCursor(query.get('cursor'));
    if (cursor === 'expired') return refuse(410, 'cursor_expired', 'The cursor is no longer known.');
    if (cursor === 'bad' || (cursor && (cursor.table !== table.id || cursor.after !== after))) {
      return refuse(400, 'bad_cursor', 'The cursor does not belong to this request.');
    }
    const matching = store
      .read(table.id)
      .filter((record) => after === null || record.modifiedAt > new Date(after).toISOString());
    const sorted = matching.sort(
      (a, b) => (after === null ? 0 : compare(a.modifiedAt, b.modifiedAt)) || a.number - b.number,
    );
    const from = cursor ? sorted.filter((record) => isBehind(record, cursor, after !== null)) : sorted;
    const page = from.slice(0, limit);
    const last = page.at(-1);
    const next = last && from.length > page.length ? { next: writeCursor(table.id, after, last) } : {};
    return {
      status: 200,
      body: {
        records: page.map((record) => showRecord(record, columns)),
        total: matching.length,
        now: new Date(now()).toISOString(),
        ...next,
      },
    };
  };

  const writeCursor = (table: string, after: string | null, last: PlainRecord): string =>
    Buffer.from(
      JSON.stringify({ table, after, age: cursorAge, number: last.number, modifiedAt: last.modifiedAt }),
    ).toString('base64url');

  const readCursor = (text: string | null): PageCursor | 'bad' | 'expired' | null => {
    if (text === null) return null;
    try {
      const cursor = JSON.parse(Buffer.from(text, 'base64url').toString()) as PageCursor;
      return cursor.age === cursorAge ? cursor : 'expired';
    } catch {
      return 'bad';
    }
  };

  const readByIds = (table: PlainTable, body: Body): Answer => {
    const ids = body['ids'];
    if (!isTextList(ids) || ids.length > recordsPerPage)
      return refuse(400, 'bad_request', `ids is a list of up to ${String(recordsPerPage)} texts.`);
    const columns = chosenColumns(table, body['columns']);
    if (typeof columns === 'string') return refuse(400, 'unknown_column', `There is no column "${columns}".`, columns);
    const found = store.read(table.id).filter(({ id }) => ids.includes(id));
    const missing = ids.filter((id) => !found.some((record) => record.id === id));
    return { status: 200, body: { records: found.map((record) => showRecord(record, columns)), missing } };
  };

  const find = (table: PlainTable, body: Body): Answer => {
    const column = table.columns.find(({ id }) => id === body['column']);
    if (column === undefined)
      return refuse(400, 'unknown_column', `There is no column "${String(body['column'])}".`, String(body['column']));
    const values = body['values'];
    if (!Array.isArray(values) || values.length > rowsPerWrite)
      return refuse(400, 'bad_request', `values is a list of up to ${String(rowsPerWrite)}.`);
    const columns = chosenColumns(table, body['columns']);
    if (typeof columns === 'string') return refuse(400, 'unknown_column', `There is no column "${columns}".`, columns);
    const wanted = new Set(values.map((value) => String(value)));
    const found = store.read(table.id).filter(({ values: row }) => {
      const value = row[column.id] ?? null;
      return value !== null && wanted.has(typeof value === 'object' ? toWire(value) : String(value));
    });
    return { status: 200, body: { records: found.map((record) => showRecord(record, columns)) } };
  };

  const write = (table: PlainTable, body: Body): Answer => {
    const rows = body['rows'];
    if (!Array.isArray(rows) || rows.length === 0)
      return refuse(400, 'bad_request', 'rows is a list of at least one row.');
    if (rows.length > rowsPerWrite)
      return refuse(413, 'too_many_rows', `A request takes ${String(rowsPerWrite)} rows.`);
    const commands = rows.map((row) => parseCommand(row, options.idempotency ?? true));
    const bad = commands.find((command) => typeof command === 'string');
    if (typeof bad === 'string') return refuse(400, 'bad_request', bad);
    const good = commands.filter((command) => typeof command !== 'string');
    const refusal = options.allOrNothing
      ? good.map((command) => store.check(table.id, command)).find(Boolean)
      : undefined;
    if (refusal) return refuse(422, refusal.code, refusal.message, refusal.column);
    const visible = (options.visibleAfter ?? 0) === 0;
    const results = store.write(table.id, good, 'api').map((result) => {
      if (!result.ok) {
        const { code, message, column } = result.refusal;
        const current =
          code === 'version_mismatch' && result.current ? { current: showRecord(result.current, null) } : {};
        return { error: { code, message, ...(column === undefined ? {} : { column }) }, ...current };
      }
      const shown = visible && result.record ? { record: showRecord(result.record, null) } : {};
      return { id: result.id, version: result.version, ...shown, ...(result.replayed ? { replayed: true } : {}) };
    });
    return { status: 200, body: { results } };
  };

  const showRecord = (record: PlainRecord, columns: readonly string[] | null): unknown => {
    const values = Object.entries(record.values).filter(
      ([name, value]) => (columns === null || columns.includes(name)) && !(options.omitEmpty && value === null),
    );
    return {
      id: record.id,
      version: record.version,
      modified_at: record.modifiedAt,
      values: Object.fromEntries(values),
    };
  };

  const subscribe = (body: unknown): Answer => {
    if (!isObject(body)) return refuse(400, 'bad_request', 'A JSON object was expected.');
    const { id, url, tables = [] } = body;
    if (typeof id === 'string') {
      const hook = webhooks.renew(id);
      if (hook === undefined) return refuse(404, 'no_such_webhook', 'The subscription is gone.');
      return { status: 200, body: { id, expires_at: new Date(hook.expiresAt).toISOString() } };
    }
    if (typeof url !== 'string' || !isTextList(tables))
      return refuse(400, 'bad_request', 'url and tables were expected.');
    const hook = webhooks.subscribe(url, tables);
    return {
      status: 201,
      body: { id: hook.id, secret: hook.secret, expires_at: new Date(hook.expiresAt).toISOString() },
    };
  };

  const admin = (route: string, url: URL, body: unknown): Answer => {
    const table = url.searchParams.get('table') ?? '';
    switch (route) {
      case 'GET /_admin/journal':
        return { status: 200, body: store.journal };
      case 'GET /_admin/records':
        return { status: 200, body: store.truth(table) };
      case 'POST /_admin/edit': {
        const result = store.write(table, [body as WriteCommand], 'person')[0];
        return { status: 200, body: result };
      }
      case 'POST /_admin/fail':
        faults.add(body as FaultScript);
        break;
      case 'POST /_admin/clear-faults':
        faults.clear();
        break;
      case 'POST /_admin/release-held':
        releaseHeld();
        break;
      case 'POST /_admin/reveal-all':
        store.revealAll();
        break;
      case 'POST /_admin/expire-cursors':
        cursorAge += 1;
        break;
      default:
        return refuse(404, 'no_such_route', `There is nothing at ${url.pathname}.`);
    }
    return { status: 200, body: {} };
  };

  const releaseHeld = (): void => {
    for (const effect of held.splice(0)) effect();
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://plain');
    const isAdmin = url.pathname.startsWith('/_admin/');
    if (!isAdmin) requests.push(`${request.method ?? ''} ${url.pathname}`);
    const fault = isAdmin ? undefined : faults.take(request);
    if (fault?.kind === 'reset') {
      request.socket.resetAndDestroy();
      return;
    }
    const raw = await readBody(request, bodyLimit);
    const body = raw === undefined ? undefined : parseBody(raw);
    const effect = (): Answer => {
      if (raw === undefined) return refuse(413, 'too_large', `A request takes ${String(bodyLimit)} bytes.`);
      if (body === INVALID) return refuse(400, 'bad_json', 'The body is not JSON.');
      return serve(request, url, body);
    };
    if (fault) {
      await misbehave(fault, effect, request, response);
      return;
    }
    answerWith(response, effect());
  };

  const misbehave = async (
    fault: PlainFault,
    effect: () => Answer,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    switch (fault.kind) {
      case 'status':
        if (fault.applied) effect();
        response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
        response.end(fault.body ?? toWire({ error: { code: 'scripted', message: 'A scripted failure.' } }));
        return;
      case 'drop_answer':
        effect();
        request.socket.resetAndDestroy();
        return;
      case 'late':
        held.push(effect);
        request.socket.resetAndDestroy();
        return;
      case 'truncate': {
        const text = encode(effect());
        const half = text.slice(0, Math.floor(text.length / 2));
        if (fault.clean) {
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(half);
          return;
        }
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(text)),
        });
        response.write(half, () => {
          request.socket.destroy();
        });
        return;
      }
      case 'delay':
        await new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
        answerWith(response, effect());
        return;
      case 'hang':
        if (fault.applied) effect();
        return;
      case 'body':
        response.writeHead(200, { 'content-type': fault.contentType });
        response.end(fault.body);
        return;
      case 'reset':
        return;
    }
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (!response.headersSent)
        answerWith(response, refuse(500, 'internal', error instanceof Error ? error.message : 'failed'));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${String(port)}`,
    token: options.token,
    journal: () => store.journal,
    records: (table) => store.truth(table),
    edit: (table, command) => store.write(table, [command], 'person')[0] as WriteResult,
    replaceTable: (table) => {
      store.replaceTable(table);
    },
    fail: (script) => {
      faults.add(script);
    },
    clearFaults: () => {
      faults.clear();
    },
    releaseHeld,
    revealAll: () => {
      store.revealAll();
    },
    expireCursors: () => {
      cursorAge += 1;
    },
    setToken: (changed) => {
      token = changed;
    },
    requests: () => requests,
    deliveries: () => webhooks.deliveries,
    webhooksQuiet: () => webhooks.quiet(),
    stop: async () => {
      await webhooks.quiet();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

type Body = Readonly<Record<string, unknown>>;

interface PageCursor {
  readonly table: string;
  readonly after: string | null;
  readonly age: number;
  readonly number: number;
  readonly modifiedAt: string;
}

const INVALID = Symbol('not JSON');

function parseBody(raw: Buffer): unknown {
  if (raw.length === 0) return undefined;
  try {
    return JSON.parse(raw.toString()) as unknown;
  } catch {
    return INVALID;
  }
}

function parseCommand(row: unknown, idempotency: boolean): WriteCommand | string {
  if (!isObject(row)) return 'A row is an object.';
  const unknown = Object.keys(row).find((name) => !['op', 'id', 'values', 'key', 'if_version'].includes(name));
  if (unknown !== undefined) return `A row has no "${unknown}".`;
  const { op, id, values, key, if_version: ifVersion } = row;
  if (op !== 'create' && op !== 'update' && op !== 'delete') return 'op is create, update or delete.';
  if (op === 'create' ? id !== undefined : typeof id !== 'string')
    return 'A create has no id; every other row has one.';
  if (op === 'delete' ? values !== undefined : !isObject(values))
    return 'A delete has no values; every other row has them.';
  if (key !== undefined && (typeof key !== 'string' || key.length > 255))
    return 'key is a text of up to 255 characters.';
  if (ifVersion !== undefined && !Number.isInteger(ifVersion)) return 'if_version is a whole number.';
  return {
    op,
    ...(typeof id === 'string' ? { id } : {}),
    ...(isObject(values) ? { values } : {}),
    ...(key !== undefined && idempotency ? { key } : {}),
    ...(ifVersion === undefined ? {} : { ifVersion: ifVersion as number }),
  };
}

function describeTable(table: PlainTable): unknown {
  return {
    id: table.id,
    title: table.title ?? table.id,
    columns: table.columns.map((column) => ({
      id: column.id,
      title: column.title ?? column.id,
      type: column.type,
      writable: column.computed === undefined,
      required: column.required ?? false,
    })),
  };
}

/** The column ids to show, null for all, or the first unknown one. */
function chosenColumns(table: PlainTable, wanted: unknown): readonly string[] | null | string {
  if (wanted === undefined) return null;
  if (!isTextList(wanted)) return JSON.stringify(wanted);
  return wanted.find((name) => !table.columns.some(({ id }) => id === name)) ?? wanted;
}

function isBehind(record: PlainRecord, cursor: PageCursor, byTime: boolean): boolean {
  const order = (byTime ? compare(record.modifiedAt, cursor.modifiedAt) : 0) || record.number - cursor.number;
  return order > 0;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function refuse(status: number, code: string, message: string, column?: string): Answer {
  return { status, body: { error: { code, message, ...(column === undefined ? {} : { column }) } } };
}

function encode({ body, html }: Answer): string {
  return html ? String(body) : toWire(body);
}

function answerWith(response: ServerResponse, answer: Answer): void {
  const contentType = answer.html ? 'text/html; charset=utf-8' : 'application/json';
  response.writeHead(answer.status, { 'content-type': contentType, ...answer.headers });
  response.end(encode(answer));
}

async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
  }
  return size > limit ? undefined : Buffer.concat(chunks);
}

function sameToken(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
