import { constants, createHmac, timingSafeEqual, verify, type KeyObject } from 'node:crypto';
import { startAppServer, type AppAnswer, type AppRequest, type AppServer } from '../app-server.ts';
import { QueryError, runQuery, type Cell, type QueryTables } from './suiteql.ts';

type Field = 'text' | 'number' | 'boolean' | 'date' | 'datetime' | 'reference';
type Json = Readonly<Record<string, unknown>>;

export interface NetsuiteAppOptions {
  readonly account: string;
  readonly machine?: { readonly clientId: string; readonly certificateId: string; readonly publicKey: KeyObject };
  readonly tokens?: { readonly ck: string; readonly cs: string; readonly tk: string; readonly ts: string };
  readonly types: readonly {
    readonly name: string;
    readonly from: string;
    readonly only?: Readonly<Record<string, string>>;
    readonly fields: Readonly<Record<string, Field>>;
    readonly required?: readonly string[];
  }[];
  /** Tables that the role cannot see, and columns that queries of this account do not know. */
  readonly hidden?: readonly string[];
  /** Minutes that the account's zone is ahead of UTC. */
  readonly zone?: number;
  readonly now?: () => number;
}

interface Stored {
  readonly type: string;
  readonly id: string;
  fields: Record<string, unknown>;
  modified: number;
}

export interface NetsuiteApp extends Pick<AppServer, 'url' | 'fail' | 'requests' | 'stop'> {
  journal(): readonly { readonly op: string; readonly type: string; readonly id: string; readonly fields: Json }[];
  records(type: string): readonly Stored[];
  stock(): ReadonlyMap<string, number>;
  edit(type: string, id: string, fields: Json): void;
  remove(type: string, id: string): void;
  withdrawTokens(): void;
}

const QUERY = 'Invalid search query. Detailed unprocessed description follows. ';

/** A NetSuite account: queries, records, metadata and both ways in, as strict as what is known of them. */
export async function startNetsuiteApp(options: NetsuiteAppOptions): Promise<NetsuiteApp> {
  const { zone = -480, now = Date.now, hidden = [] } = options;
  const records = new Map<string, Stored>();
  const stock = new Map<string, number>();
  const deleted: { id: string; type: string; at: number }[] = [];
  const journal: { op: string; type: string; id: string; fields: Json }[] = [];
  const bearers = new Map<string, number>();
  const nonces = new Set<string>();
  let serial = 100;
  const typeOf = (name: string) => options.types.find((type) => type.name.toLowerCase() === name.toLowerCase());
  const find = (type: string, key: string): Stored | undefined =>
    [...records.values()].find(
      (record) =>
        record.type === type &&
        (key.startsWith('eid:') ? record.fields['externalId'] === key.slice(4) : record.id === key),
    );

  const tables = (): QueryTables => {
    const named = new Map<string, { columns: string[]; rows: () => Readonly<Record<string, Cell>>[] }>();
    for (const { name, from, only = {}, fields } of options.types) {
      const columns = [
        'id',
        'externalid',
        'lastmodifieddate',
        ...Object.keys(only),
        ...Object.keys(fields).map((field) => field.toLowerCase()),
      ].filter((column) => !hidden.includes(column));
      const before = named.get(from);
      named.set(from, {
        columns: [...new Set([...(before?.columns ?? []), ...columns])],
        rows: () => [
          ...(before?.rows() ?? []),
          ...[...records.values()]
            .filter(({ type }) => type === name)
            .map((record) => ({
              ...Object.fromEntries(
                Object.entries(record.fields).map(([field, value]) => [
                  field.toLowerCase(),
                  cellOf(value, fields[field]),
                ]),
              ),
              ...only,
              id: Number(record.id),
              lastmodifieddate: new Date(Math.floor(record.modified / 1000) * 1000),
            })),
        ],
      });
    }
    const others = named.get('transaction');
    named.set('transaction', {
      columns: others?.columns ?? ['id', 'externalid', 'type'],
      rows: () => [
        ...(others?.rows() ?? []),
        ...[...records.values()]
          .filter(({ type }) => type === 'inventoryAdjustment')
          .map(({ id, fields }) => ({
            id: Number(id),
            externalid: fields['externalId'] as string,
            type: 'InvAdjst',
          })),
      ],
    });
    named.set('dual', { columns: [], rows: () => [{}] });
    named.set('deletedrecord', {
      columns: ['recordid', 'type', 'deleteddate'],
      rows: () => deleted.map(({ id, type, at }) => ({ recordid: Number(id), type, deleteddate: new Date(at) })),
    });
    named.set('aggregateitemlocation', {
      columns: [
        'item',
        'location',
        'quantityonhand',
        'quantityavailable',
        'quantitycommitted',
        'lastquantityavailablechange',
      ],
      rows: () =>
        [...stock].map(([key, quantity]) => {
          const [item = '', location = ''] = key.split(':');
          return {
            item: Number(item),
            location: Number(location),
            quantityonhand: quantity,
            quantityavailable: quantity,
          };
        }),
    });
    return new Map([...named].filter(([name]) => !hidden.includes(name)));
  };

  const serve = (request: AppRequest): AppAnswer => {
    const { pathname, searchParams } = request.url;
    if (pathname === '/services/rest/auth/oauth2/v1/token') return grant(request);
    if (!admitted(request)) {
      return refuse(401, 'INVALID_LOGIN', 'Invalid login attempt. For more details, see the Login Audit Trail.');
    }
    if (pathname === '/services/rest/system/v1/serverTime') {
      return { status: 200, body: JSON.stringify({ serverTime: new Date(now()).toISOString() }) };
    }
    if (pathname === '/services/rest/query/v1/suiteql') return query(request, searchParams);
    const [, first = '', second] = /^\/services\/rest\/record\/v1\/([^/]+)(?:\/([^/]+))?$/.exec(pathname) ?? [];
    if (first === 'metadata-catalog') return metadata(second);
    const type = typeOf(first);
    if (first === 'inventoryAdjustment') return adjust(request);
    if (type === undefined) return refuse(404, 'NONEXISTENT_ID', `Record type '${first}' does not exist.`);
    return write(request, type, second);
  };

  const query = (request: AppRequest, params: URLSearchParams): AppAnswer => {
    const limit = Number(params.get('limit') ?? 1000);
    const offset = Number(params.get('offset') ?? 0);
    if (request.method !== 'POST') return refuse(405, 'METHOD_NOT_ALLOWED', 'Only POST.');
    if (request.headers['prefer'] !== 'transient')
      return refuse(400, 'INVALID_HEADER', 'Prefer: transient is missing.');
    if (!(limit >= 1 && limit <= 1000) || offset % limit !== 0 || offset >= 100_000) {
      return refuse(400, 'INVALID_PARAMETER', 'Invalid limit or offset.');
    }
    try {
      const { q } = JSON.parse(request.body.toString()) as { q: string };
      const rows = /^SELECT 1 AS one FROM dual$/.test(q) ? [{ one: '1' }] : runQuery(q, tables(), zone);
      const items = rows.slice(offset, offset + limit).map((row) => ({ links: [], ...row }));
      const hasMore = offset + items.length < rows.length;
      const body = { links: [], count: items.length, hasMore, items, offset, totalResults: rows.length };
      return { status: 200, body: JSON.stringify(body) };
    } catch (error) {
      if (error instanceof QueryError)
        return refuse(400, 'INVALID_PARAMETER', QUERY + error.message, { 'o:errorQueryParam': 'q' });
      throw error;
    }
  };

  const metadata = (name: string | undefined): AppAnswer => {
    if (name === undefined)
      return {
        status: 200,
        body: JSON.stringify({ items: options.types.map((type) => ({ name: type.name, links: [] })) }),
      };
    const type = typeOf(name);
    if (type === undefined) return refuse(404, 'NONEXISTENT_ID', `Record type '${name}' does not exist.`);
    const all: Record<string, Field> = { id: 'text', externalId: 'text', lastModifiedDate: 'datetime', ...type.fields };
    const properties = Object.fromEntries(
      Object.entries(all).map(([field, kind]) => [field, { title: field, ...schemaOf(kind) }]),
    );
    return { status: 200, body: JSON.stringify({ type: 'object', properties, 'x-ns-filterable': [] }) };
  };

  const write = (
    request: AppRequest,
    type: NetsuiteAppOptions['types'][number],
    key: string | undefined,
  ): AppAnswer => {
    const known = key === undefined ? undefined : find(type.name, key);
    const upsert = request.method === 'PUT' && key?.startsWith('eid:') === true;
    if (key !== undefined && known === undefined && !upsert) {
      return refuse(404, 'NONEXISTENT_ID', 'The record instance does not exist. Provide a valid record instance ID.');
    }
    if (request.method === 'DELETE' && known !== undefined) {
      remove(known);
      journal.push({ op: 'delete', type: type.name, id: known.id, fields: {} });
      return { status: 204, body: '' };
    }
    if (!['POST', 'PATCH', 'PUT'].includes(request.method)) return refuse(405, 'METHOD_NOT_ALLOWED', 'Not allowed.');
    const given = JSON.parse(request.body.toString()) as Record<string, unknown>;
    if (upsert) given['externalId'] = key.slice(4);
    const strict = request.headers['x-netsuite-propertynamevalidation'] === 'error';
    for (const [field, value] of Object.entries(given)) {
      const kind = field === 'externalId' ? 'text' : type.fields[field];
      if (kind === undefined) {
        if (strict) return refuse(400, 'INVALID_CONTENT', `Unknown field '${field}'.`, { 'o:errorPath': field });
        Reflect.deleteProperty(given, field);
      } else if (!fits(value, kind)) {
        return refuse(
          400,
          'INVALID_CONTENT',
          `Error while accessing resource: You have entered an Invalid Field Value ${String(value)} for the following field: ${field}`,
          { 'o:errorPath': field },
        );
      }
    }
    const fields = Object.fromEntries(
      Object.entries({ ...known?.fields, ...given }).filter(([, value]) => value !== null && value !== ''),
    );
    const missing = (type.required ?? []).find((field) => fields[field] === undefined);
    if (missing !== undefined)
      return refuse(400, 'USER_ERROR', `Error while accessing a resource. Please enter value(s) for: ${missing}`);
    if (
      known === undefined &&
      fields['externalId'] !== undefined &&
      find(type.name, `eid:${String(fields['externalId'])}`)
    ) {
      return refuse(400, 'USER_ERROR', 'Error while accessing a resource. This entity already exists.');
    }
    const record = known ?? { type: type.name, id: String((serial += 1)), fields: {}, modified: 0 };
    record.fields = fields;
    record.modified = now();
    records.set(`${type.name}/${record.id}`, record);
    journal.push({ op: known === undefined ? 'create' : 'update', type: type.name, id: record.id, fields: given });
    return made(type.name, record.id);
  };

  const adjust = (request: AppRequest): AppAnswer => {
    const given = JSON.parse(request.body.toString()) as {
      externalId: string;
      account?: unknown;
      inventory: { items: { item: { id: string }; location: { id: string }; adjustQtyBy: number }[] };
    };
    if (given.account === undefined)
      return refuse(400, 'USER_ERROR', 'Error while accessing a resource. Please enter value(s) for: Account');
    if (find('inventoryAdjustment', `eid:${given.externalId}`)) {
      return refuse(400, 'USER_ERROR', 'Error while accessing a resource. This entity already exists.');
    }
    const id = String((serial += 1));
    for (const { item, location, adjustQtyBy } of given.inventory.items) {
      const key = `${item.id}:${location.id}`;
      stock.set(key, (stock.get(key) ?? 0) + adjustQtyBy);
    }
    records.set(`inventoryAdjustment/${id}`, {
      type: 'inventoryAdjustment',
      id,
      fields: { externalId: given.externalId },
      modified: now(),
    });
    journal.push({ op: 'create', type: 'inventoryAdjustment', id, fields: given as unknown as Json });
    return made('inventoryAdjustment', id);
  };

  const remove = (record: Stored): void => {
    records.delete(`${record.type}/${record.id}`);
    deleted.push({ id: record.id, type: record.type, at: now() });
  };

  const grant = (request: AppRequest): AppAnswer => {
    const deny = (error: string): AppAnswer => ({ status: 400, body: JSON.stringify({ error }) });
    const form = new URLSearchParams(request.body.toString());
    if (form.get('grant_type') !== 'client_credentials') return deny('unsupported_grant_type');
    const [head = '', claims = '', signature = ''] = (form.get('client_assertion') ?? '').split('.');
    const header = decoded(head);
    const said = decoded(claims);
    const { machine } = options;
    if (machine === undefined || header['kid'] !== machine.certificateId || said['iss'] !== machine.clientId)
      return deny('invalid_client');
    const seconds = now() / 1000;
    const { iat, exp, aud } = said;
    if (typeof iat !== 'number' || typeof exp !== 'number' || exp - iat > 3600 || exp < seconds || iat > seconds + 300)
      return deny('invalid_request');
    if (aud !== `http://${request.headers.host ?? ''}${request.url.pathname}`) return deny('invalid_request');
    const pss = { key: machine.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    const key =
      header['alg'] === 'PS256'
        ? pss
        : header['alg'] === 'ES256'
          ? { key: machine.publicKey, dsaEncoding: 'ieee-p1363' as const }
          : null;
    const wanted = header['alg'] === 'PS256' ? 'rsa' : 'ec';
    if (
      key === null ||
      machine.publicKey.asymmetricKeyType !== wanted ||
      !verify('sha256', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url'))
    )
      return deny('invalid_client');
    const token = `bearer-${String(bearers.size + 1)}-${String(serial)}`;
    bearers.set(token, now() + 3_600_000);
    return { status: 200, body: JSON.stringify({ access_token: token, expires_in: '3600', token_type: 'Bearer' }) };
  };

  const admitted = ({ method, url, headers }: AppRequest): boolean => {
    const given = headers.authorization ?? '';
    if (given.startsWith('Bearer ')) return (bearers.get(given.slice(7)) ?? 0) > now();
    const { tokens } = options;
    if (tokens === undefined || !given.startsWith('OAuth ')) return false;
    const parts = new Map(
      [...given.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, decodeURIComponent(value)]),
    );
    const { realm, oauth_signature: signature = '', ...signed } = Object.fromEntries(parts);
    const nonce = `${signed['oauth_nonce'] ?? ''} ${signed['oauth_timestamp'] ?? ''}`;
    const fresh = Math.abs(Number(signed['oauth_timestamp']) - now() / 1000) <= 300 && !nonces.has(nonce);
    if (
      realm !== options.account ||
      signed['oauth_consumer_key'] !== tokens.ck ||
      signed['oauth_token'] !== tokens.tk ||
      !fresh
    )
      return false;
    const strict = (text: string): string =>
      encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
    const pairs = [...url.searchParams, ...Object.entries(signed)]
      .map(([name, value]) => `${strict(name)}=${strict(value)}`)
      .sort();
    const text = [method, strict(`http://${headers.host ?? ''}${url.pathname}`), strict(pairs.join('&'))].join('&');
    const wanted = createHmac('sha256', `${strict(tokens.cs)}&${strict(tokens.ts)}`)
      .update(text)
      .digest();
    const got = Buffer.from(signature, 'base64');
    if (got.length !== wanted.length || !timingSafeEqual(got, wanted)) return false;
    nonces.add(nonce);
    return true;
  };

  const server = await startAppServer(serve);
  return {
    url: server.url,
    fail: (script) => {
      server.fail(script);
    },
    requests: () => server.requests(),
    stop: () => server.stop(),
    journal: () => journal,
    records: (type) => [...records.values()].filter((record) => record.type === type),
    stock: () => stock,
    edit: (type, id, fields) => {
      const record = find(type, id);
      if (record === undefined) throw new Error(`no ${type} ${id}`);
      record.fields = { ...record.fields, ...fields };
      record.modified = now();
    },
    remove: (type, id) => {
      const record = find(type, id);
      if (record) remove(record);
    },
    withdrawTokens: () => {
      bearers.clear();
    },
  };
}

function made(type: string, id: string): AppAnswer {
  return { status: 204, headers: { location: `http://app/services/rest/record/v1/${type}/${id}` }, body: '' };
}

function refuse(status: number, code: string, detail: string, extra: Json = {}): AppAnswer {
  const body = {
    type: 'https://www.rfc-editor.org/rfc/rfc9110.html#section-15.5.1',
    title: 'Bad Request',
    status,
    'o:errorDetails': [{ detail, 'o:errorCode': code, ...extra }],
  };
  return {
    status,
    headers: { 'content-type': 'application/vnd.oracle.resource+json; type=error' },
    body: JSON.stringify(body),
  };
}

function decoded(part: string): Json {
  return JSON.parse(Buffer.from(part, 'base64url').toString() || '{}') as Json;
}

function schemaOf(kind: Field): Json {
  if (kind === 'reference') return { $ref: '/services/rest/record/v1/metadata-catalog/nsLink' };
  if (kind === 'number' || kind === 'boolean') return { type: kind };
  if (kind === 'text') return { type: 'string' };
  return { type: 'string', format: kind === 'date' ? 'date' : 'date-time' };
}

function cellOf(value: unknown, kind: Field | undefined): Cell {
  if (typeof value === 'boolean') return value ? 'T' : 'F';
  if (kind === 'reference') return (value as { id: string }).id;
  if (kind === 'date' || kind === 'datetime') return new Date(value as string);
  return value as Cell;
}

function fits(value: unknown, kind: Field): boolean {
  if (value === null) return true;
  if (kind === 'number' || kind === 'boolean') return typeof value === kind;
  if (kind === 'reference') return typeof value === 'object' && typeof (value as { id?: unknown }).id === 'string';
  return typeof value === 'string' && (kind === 'text' || !Number.isNaN(Date.parse(value)));
}
