import { createHash, createHmac } from 'node:crypto';
import { startAppServer, type AppAnswer, type AppRequest, type AppServer } from '../app-server.ts';
import { WooAuth, type WooKey } from './woo-auth.ts';
import { listRecords } from './woo-list.ts';
import { WooRefusal } from './woo-refusal.ts';
import { checkBody, SCHEMAS } from './woo-schema.ts';
import { WooStore, type WooEffect, type WooKind, type WooRecord } from './woo-store.ts';

export interface WooAppOptions {
  readonly keys: readonly WooKey[];
  readonly port?: number;
  /** Whether the shop believes that it is reached over https, as behind a proxy that says so. */
  readonly secure?: boolean;
  readonly now?: () => number;
}

interface WooDelivery {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface WooApp extends Pick<AppServer, 'url' | 'fail' | 'requests' | 'stop'> {
  readonly store: WooStore;
  /** Effects that came over the API, oldest first. */
  effects(): readonly WooEffect[];
  /** What a person does in the shop's pages. */
  edit(kind: WooKind, id: number, body: Readonly<Record<string, unknown>>): void;
  remove(kind: WooKind, id: number, how?: 'trash' | 'delete'): void;
  setKeys(keys: readonly WooKey[]): void;
  /** Runs the shop's queue: what would be delivered to its webhooks now. */
  takeDeliveries(): readonly WooDelivery[];
}

interface Route {
  readonly kind: WooKind;
  readonly id?: number;
  readonly parent?: number;
  readonly batch: boolean;
}

const PATHS: Readonly<Record<string, WooKind>> = {
  products: 'products',
  customers: 'customers',
  orders: 'orders',
  coupons: 'coupons',
  'products/categories': 'categories',
  'products/tags': 'tags',
  webhooks: 'webhooks',
};

const TOPIC = /^(coupon|customer|order|product)\.(created|updated|deleted|restored)$/;

/** A shop that answers as WooCommerce 11 does, as far as its fact sheet goes. */
export async function startWooApp(options: WooAppOptions): Promise<WooApp> {
  const now = options.now ?? Date.now;
  const auth = new WooAuth(options.keys);
  const queue = new Map<string, { topic: string; id: number }>();
  const secrets = new Map<number, string>();
  const bodies = new Map<string, WooRecord>();
  const store = new WooStore(now, (topic, record) => {
    // Several changes of one record before the queue runs are one delivery.
    queue.set(`${topic} ${String(record.id)}`, { topic, id: record.id });
    bodies.set(`${topic} ${String(record.id)}`, record);
  });

  const answer = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): AppAnswer => ({
    status,
    headers: { date: new Date(now()).toUTCString(), ...headers },
    body: JSON.stringify(body),
  });

  const serve = (request: AppRequest): AppAnswer => {
    try {
      return route(request);
    } catch (error) {
      if (error instanceof WooRefusal) return answer(error.status, error.body);
      throw error;
    }
  };

  const route = (request: AppRequest): AppAnswer => {
    const { url } = request;
    if (url.pathname === '/wp-json/' && request.method === 'GET') {
      return answer(200, {
        name: 'Stand-in shop',
        url: server.url,
        home: server.url,
        gmt_offset: -5,
        timezone_string: 'America/New_York',
        namespaces: ['wc/v1', 'wc/v2', 'wc/v3'],
      });
    }
    const path = /^(?:\/index\.php)?\/wp-json\/wc\/v3\/(.+?)\/?$/.exec(url.pathname)?.[1];
    const method = String(
      request.headers['x-http-method-override'] ?? url.searchParams.get('_method') ?? request.method,
    );
    const found = path === undefined ? undefined : routeOf(path);
    if (path === undefined || (found === undefined && path !== 'products/custom-fields/names'))
      throw new WooRefusal(404, 'rest_no_route', 'No route was found matching the URL and request method.');
    if (method === 'OPTIONS' && found) {
      return answer(200, {
        namespace: 'wc/v3',
        methods: ['GET', 'POST'],
        schema: { title: found.kind, type: 'object', properties: SCHEMAS[found.kind].schema_properties },
      });
    }
    auth.check({
      method: request.method,
      url,
      authorization: request.headers.authorization,
      home: server.url,
      secure: options.secure ?? false,
      now: now(),
    });
    if (found === undefined) return answer(200, metaKeys());
    if (found.batch) return answer(200, runBatch(found, bodyOf(request)));
    return single(found, method, request);
  };

  const single = ({ kind, id, parent }: Route, method: string, request: AppRequest): AppAnswer => {
    const schema = SCHEMAS[kind];
    const query = request.url.searchParams;
    const show = (record: WooRecord, edit: boolean): unknown =>
      shape(record, query, edit || query.get('context') === 'edit');
    if (id === undefined && (method === 'GET' || method === 'HEAD')) {
      const all = store.all(kind).filter((record) => parent === undefined || record['parent_id'] === parent);
      const { rows, total } = listRecords(kind, schema, all, query);
      const pages = Math.ceil(total / Number(query.get('per_page') ?? 10));
      return answer(
        200,
        rows.map((row) => show(row, false)),
        { 'x-wp-total': String(total), 'x-wp-totalpages': String(pages) },
      );
    }
    if (id === undefined && method === 'POST') {
      const body = bodyOf(request);
      checkBody(schema, body, true);
      if (kind === 'webhooks') return answer(201, makeWebhook(body));
      if (parent !== undefined) store.get('products', parent);
      return answer(201, show(store.create(kind, body, 'api', parent), true));
    }
    if (id !== undefined && method === 'GET') return answer(200, show(store.get(kind, id, 404, parent), false));
    if (id !== undefined && (method === 'PUT' || method === 'PATCH' || method === 'POST')) {
      const body = bodyOf(request);
      checkBody(schema, body, false);
      // An id in the body wins over the one in the address.
      const target = typeof body['id'] === 'number' ? body['id'] : id;
      if (kind === 'webhooks' && typeof body['secret'] === 'string') secrets.set(target, body['secret']);
      return answer(200, withoutSecret(show(store.update(kind, target, body, 'api', parent), true)));
    }
    if (id !== undefined && method === 'DELETE') {
      return answer(200, show(store.remove(kind, id, query.get('force') === 'true', 'api', parent), true));
    }
    throw new WooRefusal(404, 'rest_no_route', 'No route was found matching the URL and request method.');
  };

  const runBatch = ({ kind, parent }: Route, body: Readonly<Record<string, unknown>>): unknown => {
    const part = (name: string): unknown[] => (Array.isArray(body[name]) ? (body[name] as unknown[]) : []);
    const count = part('create').length + part('update').length + part('delete').length;
    if (count > 100) {
      throw new WooRefusal(
        413,
        'woocommerce_rest_request_entity_too_large',
        'Unable to accept more than 100 items for this request.',
      );
    }
    if (count === 0) return [];
    const attempt = (id: number, work: () => WooRecord): unknown => {
      try {
        return shape(work(), new URLSearchParams(), true);
      } catch (error) {
        if (!(error instanceof WooRefusal)) throw error;
        return { id, error: error.body };
      }
    };
    type Item = Readonly<Record<string, unknown>> & { readonly id: number };
    return {
      ...(body['create']
        ? { create: part('create').map((item) => attempt(0, () => store.create(kind, item as Item, 'api', parent))) }
        : {}),
      ...(body['update']
        ? {
            update: part('update').map((item) =>
              attempt((item as Item).id, () => store.update(kind, (item as Item).id, item as Item, 'api', parent)),
            ),
          }
        : {}),
      // A batch deletes for good, whatever one asks for.
      ...(body['delete']
        ? {
            delete: part('delete').map((id) =>
              attempt(id as number, () => store.remove(kind, id as number, true, 'api', parent)),
            ),
          }
        : {}),
    };
  };

  const makeWebhook = (body: Readonly<Record<string, unknown>>): unknown => {
    const { topic, delivery_url: target, secret } = body;
    if (typeof target !== 'string')
      throw new WooRefusal(400, 'rest_missing_callback_param', 'Missing parameter(s): delivery_url', {
        params: ['delivery_url'],
      });
    if (typeof topic !== 'string' || !TOPIC.test(topic) || topic === 'customer.restored')
      throw new WooRefusal(
        400,
        'woocommerce_rest_shop_webhook_invalid_topic',
        'Webhook topic is required and must be valid.',
      );
    if (!/^https?:/.test(target))
      throw new WooRefusal(
        400,
        'woocommerce_rest_shop_webhook_invalid_delivery_url',
        'Webhook delivery URL must be a valid URL starting with http:// or https://.',
      );
    const record = store.create('webhooks', {}, 'api');
    Object.assign(record, {
      name: body['name'] ?? topic,
      topic,
      resource: topic.split('.')[0],
      event: topic.split('.')[1],
      delivery_url: target,
      status: body['status'] ?? 'active',
    });
    secrets.set(record.id, typeof secret === 'string' ? secret : 'fifty random characters that nobody can read');
    return withoutSecret(record);
  };

  const metaKeys = (): string[] => [
    ...new Set(
      store.all('products').flatMap((record) => (record['meta_data'] as { key: string }[]).map(({ key }) => key)),
    ),
  ];

  const takeDeliveries = (): WooDelivery[] => {
    const found: WooDelivery[] = [];
    for (const [name, { topic, id }] of queue) {
      for (const webhook of store.all('webhooks')) {
        if (webhook['topic'] !== topic || webhook['status'] !== 'active') continue;
        const record = bodies.get(name);
        const gone =
          !topic.endsWith('.deleted') &&
          !(['products', 'variations', 'customers', 'orders', 'coupons'] as const).some((kind) =>
            store.all(kind).some((one) => one.id === id),
          );
        const text = JSON.stringify(
          gone
            ? { code: 'woocommerce_rest_product_invalid_id', message: 'Invalid ID.', data: { status: 404 } }
            : record,
        );
        const second = Math.floor(now() / 1000);
        found.push({
          url: String(webhook['delivery_url']),
          headers: {
            'content-type': 'application/json',
            'user-agent': 'WooCommerce/11.0.1 Hookshot (WordPress/7.1.4)',
            'x-wc-webhook-source': `${server.url}/`,
            'x-wc-webhook-topic': topic,
            'x-wc-webhook-resource': topic.split('.')[0] ?? '',
            'x-wc-webhook-event': topic.split('.')[1] ?? '',
            'x-wc-webhook-signature': signBody(text, secrets.get(webhook.id) ?? ''),
            'x-wc-webhook-id': String(webhook.id),
            // The same for every delivery of one webhook in one second.
            'x-wc-webhook-delivery-id': createHash('md5')
              .update(`${String(webhook.id)}${String(second)}`)
              .digest('hex'),
          },
          body: text,
        });
      }
    }
    queue.clear();
    return found;
  };

  const server = await startAppServer(serve, options.port);
  return {
    ...server,
    store,
    effects: () => store.effects.filter(({ actor }) => actor === 'api'),
    edit: (kind, id, body) => {
      store.update(kind, id, body, 'person');
    },
    remove: (kind, id, how = 'delete') => {
      store.remove(kind, id, how === 'delete', 'person');
    },
    setKeys: (keys) => {
      auth.keys.splice(0, auth.keys.length, ...keys);
    },
    takeDeliveries,
  };
}

export function signBody(body: string, secret: string): string {
  return createHmac('sha256', secret).update(body).digest('base64');
}

function routeOf(path: string): Route | undefined {
  const [, product, rest = ''] = /^products\/(\d+)\/variations(?:\/(.+))?$/.exec(path) ?? [];
  if (product !== undefined) return target('variations', rest, Number(product));
  const [base] = Object.keys(PATHS)
    .filter((one) => path === one || path.startsWith(`${one}/`))
    .sort((a, b) => b.length - a.length);
  if (base === undefined) return undefined;
  return target(PATHS[base] as WooKind, path.slice(base.length + 1));
}

function target(kind: WooKind, rest: string, parent?: number): Route | undefined {
  const below = parent === undefined ? {} : { parent };
  if (rest === '') return { kind, batch: false, ...below };
  if (rest === 'batch') return { kind, batch: true, ...below };
  return /^\d+$/.test(rest) ? { kind, id: Number(rest), batch: false, ...below } : undefined;
}

function bodyOf({ body }: AppRequest): Readonly<Record<string, unknown>> {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString()) as Record<string, unknown>;
  } catch {
    throw new WooRefusal(400, 'rest_invalid_json', 'Invalid JSON body passed.', {
      json_error_code: 4,
      json_error_message: 'Syntax error',
    });
  }
}

/** In the view context WordPress puts paragraphs around descriptions. */
function shape(record: WooRecord, query: URLSearchParams, edit: boolean): Record<string, unknown> {
  const shown: Record<string, unknown> = { ...record };
  for (const name of ['description', 'short_description']) {
    if (!edit && typeof shown[name] === 'string' && shown[name] !== '') shown[name] = `<p>${shown[name]}</p>\n`;
  }
  const fields = query.get('_fields')?.split(',');
  return fields ? Object.fromEntries(Object.entries(shown).filter(([name]) => fields.includes(name))) : shown;
}

function withoutSecret(record: unknown): unknown {
  return Object.fromEntries(Object.entries(record as object).filter(([name]) => name !== 'secret'));
}
