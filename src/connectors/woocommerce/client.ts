import { createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { Fault, type FaultCode } from '../../model/fault.ts';
import type { HttpAnswer, HttpRequest } from '../../runtime/http-client.ts';
import type { Session } from '../connector.ts';
import type { WooRow } from './fields.ts';
import { readKeys, type WooKeys, type WooSettings } from './settings.ts';

const error = z.object({
  code: z.union([z.string(), z.number()]).transform(String),
  message: z.string().default(''),
  data: z.unknown().optional(),
});

export type WooError = z.infer<typeof error>;

const row = z.looseObject({ id: z.number() });

const batchItem = z.union([z.looseObject({ id: z.number().nullable(), error }), row]);
export type BatchItem = z.infer<typeof batchItem>;

const batch = z.object({
  create: z.array(batchItem).default([]),
  update: z.array(batchItem).default([]),
  delete: z.array(batchItem).default([]),
});

const site = z.looseObject({ name: z.string().default(''), url: z.string(), namespaces: z.array(z.string()) });

const webhook = z.looseObject({ id: z.number(), status: z.string(), topic: z.string(), delivery_url: z.string() });

export interface Listing {
  readonly rows: readonly WooRow[];
  readonly total: number;
  /** The shop's clock when it answered, milliseconds. */
  readonly at: number;
}

export type Query = Readonly<Record<string, string>>;

export interface WooClient {
  /** Milliseconds that a read of changes looks back. */
  readonly overlap: number;
  site(): Promise<z.infer<typeof site>>;
  list(path: string, query: Query): Promise<Listing>;
  /** The properties of a resource as its schema describes them; empty when the shop does not show it. */
  schema(path: string): Promise<Readonly<Record<string, unknown>>>;
  metaKeys(): Promise<readonly string[]>;
  batch(path: string, body: Readonly<Record<string, readonly unknown[]>>): Promise<z.infer<typeof batch>>;
  remove(path: string): Promise<void>;
  webhooks(): Promise<readonly z.infer<typeof webhook>[]>;
  saveWebhook(id: number | null, body: unknown): Promise<z.infer<typeof webhook>>;
}

export function createWooClient(session: Session<WooSettings>): WooClient {
  const { settings, http } = session;
  const root = `${settings.base_url}/wp-json`;
  const keys = readKeys(session.secret);

  const send = async (request: Omit<HttpRequest, 'url'>, path: string, query: Query = {}): Promise<HttpAnswer> => {
    if (keys === undefined) {
      throw new Fault('SETTINGS_INVALID', 'The secret is not {"consumer_key": "ck_…", "consumer_secret": "cs_…"}.');
    }
    const overridden = settings.method_override && (request.method === 'PUT' || request.method === 'DELETE');
    const method = overridden ? 'POST' : request.method;
    const signed = authorise(session.now, settings, keys, method, `/wp-json/wc/v3/${path}`, query);
    const answer = await http.send({
      ...request,
      method,
      url: `${root}/wc/v3/${path}${signed.search}`,
      headers: {
        // Without it a failing shop answers with a web page.
        accept: 'application/json',
        ...signed.headers,
        ...(overridden ? { 'x-http-method-override': request.method } : {}),
      },
    });
    if (answer.status >= 300) throw refusal(answer);
    return answer;
  };
  const parse = <Schema extends z.ZodType>(answer: HttpAnswer, schema: Schema): z.infer<Schema> => {
    const parsed = schema.safeParse(answer.json());
    if (parsed.success) return parsed.data;
    throw answer.fault(`the answer has an unexpected shape at "${parsed.error.issues[0]?.path.join('.') ?? ''}"`, {
      code: 'BAD_RESPONSE',
    });
  };

  return {
    overlap: settings.overlap,
    site: async () => {
      const answer = await http.send({ method: 'GET', url: `${root}/`, headers: { accept: 'application/json' } });
      if (answer.status >= 300) throw refusal(answer);
      return parse(answer, site);
    },
    list: async (path, query) => {
      const answer = await send({ method: 'GET' }, path, query);
      const total = Number(answer.headers['x-wp-total'] ?? Number.NaN);
      if (!Number.isSafeInteger(total)) {
        throw answer.fault('the list does not say how many records there are (X-WP-Total)', {
          code: 'BAD_RESPONSE',
          suggestion: 'A proxy or firewall before the shop may take the header away; let it pass.',
        });
      }
      const at = Date.parse(answer.headers['date'] ?? '');
      return { rows: parse(answer, z.array(row)), total, at: Number.isNaN(at) ? session.now() : at };
    },
    schema: async (path) => {
      // Needs no key.
      const answer = await http.send({
        method: 'OPTIONS',
        url: `${root}/wc/v3/${path}`,
        headers: { accept: 'application/json' },
      });
      if (answer.status >= 300) return {};
      const parsed = z
        .object({ schema: z.object({ properties: z.record(z.string(), z.unknown()) }) })
        .safeParse(answer.json());
      return parsed.data?.schema.properties ?? {};
    },
    metaKeys: async () => {
      try {
        return parse(
          await send({ method: 'GET' }, 'products/custom-fields/names', { per_page: '100' }),
          z.array(z.string()),
        );
      } catch (problem) {
        // Older shops do not have it; keys can still be named in the settings.
        if (problem instanceof Fault && problem.facts.code === 'NOT_FOUND') return [];
        throw problem;
      }
    },
    batch: async (path, body) => parse(await send({ method: 'POST', json: body }, `${path}/batch`), batch),
    remove: async (path) => {
      await send({ method: 'DELETE' }, path);
    },
    webhooks: async () => parse(await send({ method: 'GET' }, 'webhooks', { per_page: '100' }), z.array(webhook)),
    saveWebhook: async (id, body) =>
      parse(
        await send(
          { method: id === null ? 'POST' : 'PUT', json: body },
          id === null ? 'webhooks' : `webhooks/${String(id)}`,
        ),
        webhook,
      ),
  };
}

/** Over https the keys travel; over http only a signature does, because the shop ignores keys there. */
function authorise(
  now: () => number,
  settings: WooSettings,
  keys: WooKeys,
  method: string,
  path: string,
  query: Query,
): { search: string; headers: Readonly<Record<string, string>> } {
  const search = (all: Query): string => {
    const text = Object.entries(all)
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .join('&');
    return text === '' ? '' : `?${text}`;
  };
  if (settings.base_url.startsWith('https:')) {
    if (settings.auth === 'query') {
      const { consumer_key, consumer_secret } = keys;
      return { search: search({ ...query, consumer_key, consumer_secret }), headers: {} };
    }
    const basic = Buffer.from(`${keys.consumer_key}:${keys.consumer_secret}`).toString('base64');
    return { search: search(query), headers: { authorization: `Basic ${basic}` } };
  }
  const all: Record<string, string> = {
    ...query,
    oauth_consumer_key: keys.consumer_key,
    oauth_timestamp: String(Math.floor(now() / 1000)),
    oauth_nonce: randomBytes(16).toString('hex'),
    oauth_signature_method: 'HMAC-SHA256',
  };
  const home = (settings.home_url ?? settings.base_url).replace(/\/+$/, '');
  return { search: search({ ...all, oauth_signature: signature(keys, method, home + path, all) }), headers: {} };
}

/** One-legged OAuth 1.0a: every parameter of the address is signed, the body is not. */
function signature(keys: WooKeys, method: string, url: string, query: Query): string {
  const parameters = Object.entries(query)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const base = [method, encode(url), encode(parameters)].join('&');
  return createHmac('sha256', `${keys.consumer_secret}&`).update(base).digest('base64');
}

/** As RFC 3986 has it. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** What an error of the shop's own means. */
export function codeOf({ code, message }: WooError, status: number): FaultCode | undefined {
  if (/_invalid_id$/.test(code)) return 'NOT_FOUND';
  if (code === 'rest_no_route') return 'TABLE_MISSING';
  if (code === 'woocommerce_rest_already_trashed') return 'NOT_FOUND';
  if (/^woocommerce_rest_(cannot_(view|create|edit|delete|batch)|authentication_)/.test(code) && status === 401) {
    return /permissions/.test(message) ? 'PERMISSION_DENIED' : 'AUTH_EXPIRED';
  }
  if (/^(rest_invalid_param|rest_missing_callback_param)$/.test(code)) return 'VALUE_REFUSED';
  if (/sku|global_unique_id|email|username|coupon_code|term_exists/.test(code)) return 'VALUE_REFUSED';
  // A failure with a reason: sending it again changes nothing.
  if (/^woocommerce_rest_cannot_/.test(code)) return 'REQUEST_REFUSED';
  return undefined;
}

export function columnOfError({ code, data }: WooError): string | undefined {
  const named = z
    .object({ params: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]) })
    .safeParse(data).data;
  if (named) return Array.isArray(named.params) ? named.params[0] : Object.keys(named.params)[0];
  return ['sku', 'global_unique_id', 'email', 'username'].find((name) => code.includes(name));
}

function refusal(answer: HttpAnswer): Fault {
  const said = readError(answer);
  if (said === undefined) return answer.fault();
  const code = codeOf(said, answer.status);
  const column = columnOfError(said);
  const unauthorised = answer.status === 401;
  return answer.fault(plainText(said.message), {
    ...(code === undefined ? {} : { code }),
    ...(code === 'REQUEST_REFUSED' ? { uncertain: false } : {}),
    // Maintenance mode begins before anything is done.
    ...(answer.status === 503 && said.code === 'wp_die' ? { uncertain: false } : {}),
    ...(column === undefined ? {} : { column }),
    ...(unauthorised
      ? {
          suggestion:
            'Make a key with read and write rights under WooCommerce > Settings > Advanced > REST API. If the key is good, a proxy may hide https or strip the Authorization header: try the setting "auth": "query".',
        }
      : {}),
  });
}

function readError(answer: HttpAnswer): WooError | undefined {
  try {
    return error.safeParse(answer.json()).data;
  } catch {
    return undefined;
  }
}

/** Messages of the shop hold markup. */
export function plainText(message: string): string {
  return message.replace(/<[^>]*>/g, '').trim();
}
