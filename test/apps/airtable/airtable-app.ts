import { createHmac, randomBytes } from 'node:crypto';
import { startAppServer, type AppAnswer, type AppRequest, type AppServer } from '../app-server.ts';
import { compileFormula } from './airtable-formula.ts';

interface AirtableStandInField {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface AirtableStandInTable {
  readonly id: string;
  readonly name: string;
  readonly fields: readonly AirtableStandInField[];
}

export interface AirtableRow {
  readonly id: string;
  readonly createdTime: string;
  modifiedTime: string;
  /** By id of the field; empty cells are not there. */
  fields: Record<string, unknown>;
}

interface AirtableEffect {
  readonly actor: 'api' | 'person';
  readonly op: 'create' | 'update' | 'delete';
  readonly table: string;
  readonly id: string;
}

export interface AirtableAppOptions {
  readonly token: string;
  readonly baseId: string;
  readonly tables: readonly AirtableStandInTable[];
  readonly now?: () => number;
  /** More requests than this in a second shut the base for `penalty` milliseconds. */
  readonly requestsPerSecond?: number;
  readonly penalty?: number;
}

export interface AirtableApp extends Pick<AppServer, 'url' | 'fail' | 'requests' | 'stop'> {
  rows(table: string): readonly AirtableRow[];
  effects(): readonly AirtableEffect[];
  /** What a person does; fields by id. */
  add(table: string, fields: Readonly<Record<string, unknown>>): AirtableRow;
  edit(table: string, id: string, fields: Readonly<Record<string, unknown>>): void;
  remove(table: string, id: string): void;
  expireOffsets(): void;
  setToken(token: string): void;
  /** The workspace has used up its month. */
  exhaust(): void;
  hooks(): readonly Hook[];
  /** The ping that the app would send now. */
  ping(id: string): { readonly headers: Readonly<Record<string, string>>; readonly body: string };
}

interface Hook {
  readonly id: string;
  readonly notificationUrl: string | null;
  readonly secret: string;
  expirationTime: string;
  areNotificationsEnabled: boolean;
  readonly payloads: unknown[];
}

const COMPUTED = new Set([
  'formula',
  'rollup',
  'multipleLookupValues',
  'count',
  'autoNumber',
  'createdTime',
  'createdBy',
  'lastModifiedTime',
  'lastModifiedBy',
  'button',
  'aiText',
  'externalSyncSource',
]);
const MERGEABLE = new Set(['number', 'singleLineText', 'multilineText', 'singleSelect', 'multipleSelects', 'date']);
const WEEK = 7 * 86_400_000;

class Refusal extends Error {
  readonly status: number;
  readonly body: unknown;
  constructor(status: number, type: string, message?: string) {
    super(type);
    this.status = status;
    this.body = { error: message === undefined ? { type } : { type, message } };
  }
}

/** A base that answers as Airtable does, as far as its fact sheet goes. */
export async function startAirtableApp(options: AirtableAppOptions): Promise<AirtableApp> {
  const { baseId, tables, now = Date.now, requestsPerSecond = Infinity, penalty = 30_000 } = options;
  let token = options.token;
  let exhausted = false;
  let shutUntil = 0;
  let last = 0;
  const recent: number[] = [];
  const store = new Map(tables.map((table) => [table.id, new Map<string, AirtableRow>()]));
  const iterators = new Map<string, { ids: readonly string[]; table: string }>();
  const hooks = new Map<string, Hook>();
  const effects: AirtableEffect[] = [];
  const time = (): string => new Date(now()).toISOString();
  const newId = (prefix: string): string => `${prefix}${String((last += 1)).padStart(14, '0')}`;

  const tell = (actor: AirtableEffect['actor'], op: AirtableEffect['op'], table: string, id: string): void => {
    effects.push({ actor, op, table, id });
    const change =
      op === 'delete'
        ? { destroyedRecordIds: [id] }
        : op === 'create'
          ? { createdRecordsById: { [id]: { createdTime: time(), cellValuesByFieldId: {} } } }
          : { changedRecordsById: { [id]: { current: { cellValuesByFieldId: {} } } } };
    for (const hook of hooks.values()) {
      hook.payloads.push({
        timestamp: time(),
        baseTransactionNumber: effects.length,
        payloadFormat: 'v0',
        actionMetadata: { source: actor === 'api' ? 'publicApi' : 'client' },
        changedTablesById: { [table]: change },
      });
    }
  };
  const put = (row: AirtableRow, fields: Readonly<Record<string, unknown>>): void => {
    for (const [id, value] of Object.entries(fields)) {
      if (value === null || value === '' || value === false || (Array.isArray(value) && value.length === 0))
        delete row.fields[id];
      else row.fields[id] = value;
    }
    row.modifiedTime = time();
  };
  const create = (
    table: string,
    fields: Readonly<Record<string, unknown>>,
    actor: AirtableEffect['actor'],
  ): AirtableRow => {
    const row: AirtableRow = { id: newId('rec'), createdTime: time(), modifiedTime: time(), fields: {} };
    put(row, fields);
    store.get(table)?.set(row.id, row);
    tell(actor, 'create', table, row.id);
    return row;
  };
  const update = (
    table: string,
    id: string,
    fields: Readonly<Record<string, unknown>>,
    actor: AirtableEffect['actor'],
  ): AirtableRow => {
    const row = store.get(table)?.get(id);
    if (row === undefined) throw new Refusal(422, 'ROW_DOES_NOT_EXIST', `Record ID ${id} does not exist in this table`);
    put(row, fields);
    tell(actor, 'update', table, id);
    return row;
  };
  const remove = (table: string, id: string, actor: AirtableEffect['actor']): void => {
    store.get(table)?.delete(id);
    tell(actor, 'delete', table, id);
  };

  const answer = (body: unknown, status = 200): AppAnswer => ({
    status,
    headers: { date: new Date(now()).toUTCString() },
    body: body === undefined ? '' : JSON.stringify(body),
  });

  const serve = (request: AppRequest): AppAnswer => {
    try {
      return route(request);
    } catch (error) {
      if (error instanceof Refusal) return answer(error.body, error.status);
      throw error;
    }
  };

  const route = (request: AppRequest): AppAnswer => {
    const path = request.url.pathname.replace(/\/$/, '');
    if (request.headers.authorization !== `Bearer ${token}`)
      throw new Refusal(401, 'AUTHENTICATION_REQUIRED', 'Authentication required');
    throttle();
    const body = bodyOf(request);
    if (path === '/v0/meta/whoami') return answer({ id: 'usr00000000000001' });
    if (path === '/v0/meta/bases') return answer({ bases: [{ id: baseId, name: 'Base', permissionLevel: 'create' }] });
    if (path === `/v0/meta/bases/${baseId}/tables`) {
      return answer({ tables: tables.map((table) => ({ ...table, primaryFieldId: table.fields[0]?.id, views: [] })) });
    }
    const hookPath = /^\/v0\/bases\/(\w+)\/webhooks(?:\/(\w+))?(?:\/(\w+))?$/.exec(path);
    if (hookPath?.[1] === baseId) return webhook(request, hookPath[2], hookPath[3], body);
    const [, base, name, rest] = /^\/v0\/(\w+)\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
    const table = tables.find(
      (one) => one.id === decodeURIComponent(name ?? '') || one.name === decodeURIComponent(name ?? ''),
    );
    if (base !== baseId || table === undefined) {
      throw new Refusal(
        403,
        'INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND',
        'Invalid permissions, or the requested model was not found. Check that both your user and your token have the required permissions, and that the model names and/or ids are correct.',
      );
    }
    if (rest === 'listRecords' && request.method === 'POST') return list(table, body);
    if (rest === undefined && request.method === 'GET') return list(table, queryOf(request.url.searchParams));
    if (rest === undefined && request.method === 'POST') return save(table, body, false);
    if (rest === undefined && (request.method === 'PATCH' || request.method === 'PUT')) return save(table, body, true);
    if (rest === undefined && request.method === 'DELETE') return removeMany(table, request.url.searchParams);
    const row = store.get(table.id)?.get(rest ?? '');
    if (row === undefined) throw new Refusal(404, 'MODEL_ID_NOT_FOUND', 'Record not found');
    if (request.method === 'GET') return answer(show(table, row, {}));
    if (request.method === 'DELETE') {
      remove(table.id, row.id, 'api');
      return answer({ id: row.id, deleted: true });
    }
    throw new Refusal(404, 'NOT_FOUND');
  };

  const throttle = (): void => {
    if (exhausted)
      throw new Refusal(429, 'PUBLIC_API_BILLING_LIMIT_EXCEEDED', 'The API billing plan limit has been exceeded');
    const at = now();
    while (recent[0] !== undefined && recent[0] <= at - 1000) recent.shift();
    recent.push(at);
    if (recent.length > requestsPerSecond) shutUntil = at + penalty;
    if (at < shutUntil) throw new Refusal(429, 'RATE_LIMIT_REACHED', 'Rate limit exceeded. Please try again later');
  };

  const fieldOf = (table: AirtableStandInTable, name: string): AirtableStandInField => {
    const field = table.fields.find(({ id }) => id === name) ?? table.fields.find((one) => one.name === name);
    if (field === undefined) throw new Refusal(422, 'UNKNOWN_FIELD_NAME', `Unknown field name: "${name}"`);
    return field;
  };

  const show = (table: AirtableStandInTable, row: AirtableRow, body: Readonly<Record<string, unknown>>): unknown => {
    const byId = ['true', '1', true].includes(body['returnFieldsByFieldId'] as string);
    const wanted = body['fields'] as readonly string[] | undefined;
    const chosen = wanted === undefined ? table.fields : wanted.map((name) => fieldOf(table, name));
    const fields = Object.fromEntries(
      chosen.flatMap((field) => {
        const value = computed(table, field, row) ?? row.fields[field.id];
        return value === undefined ? [] : [[byId ? field.id : field.name, value]];
      }),
    );
    return { id: row.id, createdTime: row.createdTime, fields };
  };

  const list = (table: AirtableStandInTable, body: Readonly<Record<string, unknown>>): AppAnswer => {
    const size = Number(body['pageSize'] ?? 100);
    if (!Number.isInteger(size) || size < 1 || size > 100)
      throw new Refusal(
        422,
        'INVALID_REQUEST_UNKNOWN',
        'Invalid request: parameter validation failed. Check your request data.',
      );
    let ids: readonly string[];
    if (typeof body['offset'] === 'string') {
      const iterator = iterators.get(body['offset']);
      if (iterator?.table !== table.id) throw new Refusal(422, 'LIST_RECORDS_ITERATOR_NOT_AVAILABLE');
      ids = iterator.ids;
    } else {
      let fits: (row: AirtableRow) => boolean = () => true;
      if (typeof body['filterByFormula'] === 'string' && body['filterByFormula'] !== '') {
        try {
          fits = compileFormula(body['filterByFormula'], table);
        } catch (error) {
          throw new Refusal(
            422,
            'INVALID_FILTER_BY_FORMULA',
            `The formula for filtering records is invalid: ${(error as Error).message}`,
          );
        }
      }
      ids = [...(store.get(table.id)?.values() ?? [])].filter(fits).map(({ id }) => id);
    }
    const page = ids.slice(0, size);
    const rest = ids.slice(size);
    const next: { offset?: string } = {};
    if (rest.length > 0) {
      next.offset = `itr${randomBytes(7).toString('hex')}/${rest[0] ?? ''}`;
      iterators.set(next.offset, { ids: rest, table: table.id });
    }
    const records = page.flatMap((id) => {
      const row = store.get(table.id)?.get(id);
      return row ? [show(table, row, body)] : [];
    });
    return answer({ records, ...next });
  };

  const check = (table: AirtableStandInTable, fields: unknown, typecast: boolean): Record<string, unknown> => {
    if (typeof fields !== 'object' || fields === null)
      throw new Refusal(422, 'INVALID_REQUEST_MISSING_FIELDS', 'Could not find field "fields" in the request body');
    return Object.fromEntries(
      Object.entries(fields).map(([name, value]) => {
        const field = fieldOf(table, name);
        if (COMPUTED.has(field.type))
          throw new Refusal(
            422,
            'INVALID_VALUE_FOR_COLUMN',
            `Field "${field.name}" cannot accept a value because the field is computed`,
          );
        if (value !== null && !accepts(field, value)) {
          throw field.type === 'singleSelect' && typeof value === 'string' && !typecast
            ? new Refusal(
                422,
                'INVALID_MULTIPLE_CHOICE_OPTIONS',
                `Insufficient permissions to create new select option "${value}"`,
              )
            : new Refusal(422, 'INVALID_VALUE_FOR_COLUMN', `Field "${field.name}" cannot accept the provided value`);
        }
        return [field.id, value];
      }),
    );
  };

  const save = (table: AirtableStandInTable, body: Readonly<Record<string, unknown>>, changing: boolean): AppAnswer => {
    const typecast = body['typecast'] === true;
    const upsert = body['performUpsert'] as { fieldsToMergeOn?: readonly string[] } | undefined;
    if (!changing && body['fields'] !== undefined) {
      return answer(show(table, create(table.id, check(table, body['fields'], typecast), 'api'), body));
    }
    const records = body['records'];
    const needsId = changing && upsert === undefined;
    if (
      !Array.isArray(records) ||
      records.length > 10 ||
      records.length === 0 ||
      (needsId && records.some((one) => typeof (one as { id?: unknown }).id !== 'string'))
    ) {
      throw new Refusal(
        422,
        'INVALID_RECORDS',
        `You must provide an array of up to 10 record objects, each with ${changing ? 'an "id" ID field and ' : ''}a "fields" object for cell values.`,
      );
    }
    const merge = upsert?.fieldsToMergeOn?.map((name) => fieldOf(table, name)) ?? [];
    if (upsert && (merge.length === 0 || merge.length > 3 || merge.some((field) => !MERGEABLE.has(field.type)))) {
      throw new Refusal(
        422,
        'INVALID_REQUEST_UNKNOWN',
        'Invalid request: parameter validation failed. Check your request data.',
      );
    }
    // All or nothing: everything is checked before anything is written.
    const plans = (records as readonly { id?: string; fields?: unknown }[]).map(({ id, fields }) => {
      const values = check(table, fields, typecast);
      if (id !== undefined) {
        if (!store.get(table.id)?.has(id))
          throw new Refusal(422, 'ROW_DOES_NOT_EXIST', `Record ID ${id} does not exist in this table`);
        return { id, values };
      }
      if (upsert === undefined) return { id: undefined, values };
      if (merge.some((field) => values[field.id] === undefined))
        throw new Refusal(
          422,
          'INVALID_REQUEST_UNKNOWN',
          'Invalid request: parameter validation failed. Check your request data.',
        );
      const twins = [...(store.get(table.id)?.values() ?? [])].filter((row) =>
        merge.every((field) => JSON.stringify(row.fields[field.id]) === JSON.stringify(values[field.id])),
      );
      if (twins.length > 1)
        throw new Refusal(
          422,
          'INVALID_REQUEST_UNKNOWN',
          'Cannot update more than one record with the same merge fields',
        );
      return { id: twins[0]?.id, values };
    });
    const rows = plans.map(({ id, values }) =>
      id === undefined ? create(table.id, values, 'api') : update(table.id, id, values, 'api'),
    );
    const made = rows.filter((_, index) => plans[index]?.id === undefined).map(({ id }) => id);
    return answer({
      records: rows.map((row) => show(table, row, { ...body, fields: undefined })),
      ...(upsert
        ? { createdRecords: made, updatedRecords: rows.map(({ id }) => id).filter((id) => !made.includes(id)) }
        : {}),
    });
  };

  const removeMany = (table: AirtableStandInTable, query: URLSearchParams): AppAnswer => {
    const ids = [...query].filter(([name]) => /^records(\[\d*\])?$/.test(name)).map(([, id]) => id);
    if (ids.length === 0 || ids.length > 10)
      throw new Refusal(422, 'INVALID_RECORDS', 'You must provide an array of up to 10 record IDs.');
    if (ids.some((id) => !store.get(table.id)?.has(id)))
      throw new Refusal(404, 'MODEL_ID_NOT_FOUND', 'Record not found');
    for (const id of ids) remove(table.id, id, 'api');
    return answer({ records: ids.map((id) => ({ id, deleted: true })) });
  };

  const webhook = (
    request: AppRequest,
    id: string | undefined,
    verb: string | undefined,
    body: Readonly<Record<string, unknown>>,
  ): AppAnswer => {
    if (id === undefined && request.method === 'GET') {
      return answer({
        webhooks: [...hooks.values()].map(
          ({ id: one, notificationUrl, expirationTime, areNotificationsEnabled, payloads }) => ({
            id: one,
            notificationUrl,
            specification: {},
            cursorForNextPayload: payloads.length + 1,
            isHookEnabled: true,
            areNotificationsEnabled,
            expirationTime,
            lastSuccessfulNotificationTime: null,
            lastNotificationResult: null,
          }),
        ),
      });
    }
    if (id === undefined && request.method === 'POST') {
      const types = (body['specification'] as { options?: { filters?: { dataTypes?: unknown } } } | undefined)?.options
        ?.filters?.dataTypes;
      if (!Array.isArray(types) || hooks.size >= 10)
        throw new Refusal(
          422,
          'INVALID_REQUEST_UNKNOWN',
          'Invalid request: parameter validation failed. Check your request data.',
        );
      const hook: Hook = {
        id: newId('ach'),
        notificationUrl: (body['notificationUrl'] as string | null | undefined) ?? null,
        secret: randomBytes(32).toString('base64'),
        expirationTime: new Date(now() + WEEK).toISOString(),
        areNotificationsEnabled: true,
        payloads: [],
      };
      hooks.set(hook.id, hook);
      return answer({ id: hook.id, macSecretBase64: hook.secret, expirationTime: hook.expirationTime });
    }
    const hook = hooks.get(id ?? '');
    if (hook === undefined) throw new Refusal(404, 'NOT_FOUND');
    if (verb === undefined && request.method === 'DELETE') {
      hooks.delete(hook.id);
      return answer({});
    }
    if (verb === 'refresh') {
      hook.expirationTime = new Date(now() + WEEK).toISOString();
      return answer({ expirationTime: hook.expirationTime });
    }
    if (verb === 'enableNotifications') {
      hook.areNotificationsEnabled = body['enable'] === true;
      return answer({});
    }
    if (verb === 'payloads') {
      const from = Number(request.url.searchParams.get('cursor') ?? 1);
      const limit = Math.min(50, Number(request.url.searchParams.get('limit') ?? 50));
      const part = hook.payloads.slice(from - 1, from - 1 + limit);
      return answer({
        payloads: part,
        cursor: from + part.length,
        mightHaveMore: from - 1 + part.length < hook.payloads.length,
      });
    }
    throw new Refusal(404, 'NOT_FOUND');
  };

  const server = await startAppServer(serve);
  return {
    ...server,
    rows: (table) => [...(store.get(table)?.values() ?? [])],
    effects: () => effects.filter(({ actor }) => actor === 'api'),
    add: (table, fields) => create(table, fields, 'person'),
    edit: (table, id, fields) => {
      update(table, id, fields, 'person');
    },
    remove: (table, id) => {
      remove(table, id, 'person');
    },
    expireOffsets: () => {
      iterators.clear();
    },
    setToken: (changed) => {
      token = changed;
    },
    exhaust: () => {
      exhausted = true;
    },
    hooks: () => [...hooks.values()],
    ping: (id) => {
      const hook = hooks.get(id);
      const body = JSON.stringify({ base: { id: baseId }, webhook: { id }, timestamp: time() });
      const mac = createHmac('sha256', Buffer.from(hook?.secret ?? '', 'base64'))
        .update(body)
        .digest('hex');
      return { headers: { 'x-airtable-content-mac': `hmac-sha256=${mac}` }, body };
    },
  };
}

function accepts(field: AirtableStandInField, value: unknown): boolean {
  switch (field.type) {
    case 'number':
    case 'currency':
    case 'percent':
    case 'duration':
    case 'rating':
      return typeof value === 'number';
    case 'checkbox':
      return typeof value === 'boolean';
    case 'singleSelect':
      return (
        typeof value === 'string' &&
        (field.options?.['choices'] as { name: string }[] | undefined)?.some(({ name }) => name === value) === true
      );
    case 'date':
      return typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value);
    case 'dateTime':
      return typeof value === 'string' && !Number.isNaN(Date.parse(value));
    case 'multipleSelects':
    case 'multipleRecordLinks':
    case 'multipleAttachments':
      return Array.isArray(value);
    case 'barcode':
    case 'singleCollaborator':
      return typeof value === 'object';
    default:
      return typeof value === 'string';
  }
}

function computed(table: AirtableStandInTable, field: AirtableStandInField, row: AirtableRow): unknown {
  if (field.type !== 'formula') return undefined;
  // What the tests compute: a text in capitals, or one by zero.
  const source = table.fields.find(({ name }) => name === field.options?.['of']);
  if (source === undefined) return { error: '#ERROR!' };
  const value = row.fields[source.id];
  return typeof value === 'string' ? value.toUpperCase() : undefined;
}

function bodyOf({ body }: AppRequest): Readonly<Record<string, unknown>> {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString()) as Record<string, unknown>;
  } catch {
    throw new Refusal(422, 'INVALID_REQUEST_BODY', 'Could not parse request body');
  }
}

/** Lists come as a=, a[]= or a[0]=. */
function queryOf(query: URLSearchParams): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [key, value] of query) {
    const name = key.replace(/\[\d*\]$/, '');
    if (name === 'fields') found[name] = [...((found[name] as string[] | undefined) ?? []), value];
    else found[name] = value;
  }
  return found;
}
