import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { execute, GraphQLError, parse, validate, type DocumentNode } from 'graphql';
import { PlainFaults, type FaultScript, type PlainFault } from '../plain/plain-faults.ts';
import { toLines } from './shopify-bulk.ts';
import { requestedCost } from './shopify-cost.ts';
import { badRequest, listOf, type ListArguments, type RequestContext } from './shopify-lists.ts';
import { Mutations } from './shopify-mutations.ts';
import { Nodes } from './shopify-nodes.ts';
import { buildShopifySchema } from './shopify-schema.ts';
import { ShopifyStore, type Definition, type Line, type Order, type ShopifyJournalEntry } from './shopify-store.ts';
import { ShopifyWebhooks, type ShopifyDelivery } from './shopify-webhooks.ts';

export interface ShopifyAppOptions {
  /** 0 or absent: any free port of the loopback interface. */
  readonly port?: number;
  readonly token: string;
  readonly shop?: string;
  readonly now?: () => number;
  /** Milliseconds until searches know of a write. */
  readonly indexLag?: number;
  /** The bucket of points. */
  readonly points?: { readonly capacity: number; readonly restorePerSecond: number };
  /** How often a bulk operation is asked for before it is complete. */
  readonly bulkPolls?: number;
  readonly definitions?: readonly Definition[];
  readonly locations?: number;
  /** The app of the token grants. */
  readonly client?: { readonly id: string; readonly secret: string; readonly refreshToken?: string };
  /** Where deliveries go instead of the host that a subscription names. */
  readonly gateway?: string;
  /** Another version than the one that is asked for. */
  readonly servedVersion?: string;
}

interface BulkOperation {
  readonly id: string;
  readonly query: string;
  readonly createdAt: string;
  readonly lines: string[];
  /** What the shop says that there are. */
  readonly count: number;
  polls: number;
  status: string;
  errorCode: string | null;
}

type Variables = Readonly<Record<string, unknown>>;

/** A running stand-in. */
export interface ShopifyApp {
  readonly url: string;
  readonly shop: string;
  readonly store: ShopifyStore;
  journal(): readonly ShopifyJournalEntry[];
  /** What a person does in the shop: no budget, no fault. */
  person(document: string, variables?: Variables): Readonly<Record<string, unknown>>;
  /** A customer buys. */
  order(order: { readonly lines: readonly Omit<Line, 'id' | 'number'>[]; readonly email?: string }): Order;
  /** The script may be for some bodies only. */
  fail(script: FaultScript, applies?: (body: string) => boolean): void;
  revealAll(): void;
  /** GraphQL documents that reached the shop, oldest first. */
  documents(): readonly string[];
  /** The points that are left. */
  points(): number;
  /** The points that all documents together have cost. */
  spent(): number;
  /** Ends bulk operations in this state. */
  endBulk(status: 'FAILED' | 'CANCELED' | 'EXPIRED', errorCode?: string): void;
  /** Takes the last line out of every result, while the shop goes on counting it. */
  loseBulkLine(): void;
  /** What the shop does after deliveries have failed for hours. */
  dropSubscriptions(): void;
  subscriptions(): readonly { readonly topic: string; readonly uri: string }[];
  deliveries(): readonly ShopifyDelivery[];
  webhooksQuiet(): Promise<void>;
  /** Ends every access token that was granted. */
  expireTokens(): void;
  /** How often a token was granted. */
  grants(): number;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A strict shop: an executable schema of the Admin API with a budget of points, a lagging index and bulk operations. */
export async function startShopifyApp(options: ShopifyAppOptions): Promise<ShopifyApp> {
  const {
    now = Date.now,
    shop = 'tideway-test.myshopify.com',
    points = { capacity: 2000, restorePerSecond: 100 },
  } = options;
  const schema = buildShopifySchema();
  const faults = new PlainFaults();
  const documents: string[] = [];
  let applies: (body: string) => boolean = () => true;
  const operations = new Map<string, BulkOperation>();
  const granted = new Map<string, number>();
  let grants = 0;
  let refreshToken = options.client?.refreshToken;
  let left = points.capacity;
  let spent = 0;
  let leftAt = now();
  const webhooks = new ShopifyWebhooks(shop, options.client?.secret ?? 'shpss_test_secret', options.gateway);
  const store = new ShopifyStore({
    now,
    indexLag: options.indexLag ?? 0,
    onChange: (type, op, thing) => {
      const id = thing.number;
      if (type === 'InventoryLevel' && 'quantities' in thing) {
        webhooks.ring('INVENTORY_LEVELS_UPDATE', {
          inventory_item_id: Number(thing.item.split('/').at(-1)),
          location_id: Number(thing.location.split('/').at(-1)),
          available: thing.quantities['available'],
        });
        return;
      }
      const word = { Product: 'PRODUCTS', Customer: 'CUSTOMERS', Order: 'ORDERS' }[type];
      if (word === undefined) return;
      const verb = op === 'delete' ? 'DELETE' : op === 'create' ? 'CREATE' : type === 'Order' ? 'UPDATED' : 'UPDATE';
      webhooks.ring(
        `${word}_${verb}`,
        op === 'delete' ? { id } : { id, admin_graphql_api_id: thing.id, updated_at: thing.updatedAt },
      );
    },
  });
  store.definitions.push(...(options.definitions ?? []));
  for (let at = 0; at < (options.locations ?? 2); at += 1) {
    const number = store.next();
    const time = store.time();
    const id = `gid://shopify/Location/${String(number)}`;
    store.locations.set(id, {
      id,
      number,
      name: `Shop ${String(at + 1)}`,
      isActive: true,
      createdAt: time,
      updatedAt: time,
    });
  }
  const nodes = new Nodes(store);
  const mutations = new Mutations(store, nodes);

  const checked = (id: string): string => {
    if (!/^gid:\/\/shopify\/\w+\/\d+/.test(id)) throw badRequest('invalid id', 'RESOURCE_NOT_FOUND');
    return id;
  };
  const one =
    (type: string) =>
    ({ id }: { id: string }) => {
      const found = nodes.byId(checked(id)) as { __typename?: string } | null;
      return found?.__typename === type ? found : null;
    };
  const operationNode = (operation: BulkOperation): object => {
    if (operation.status === 'RUNNING' && operation.polls >= (options.bulkPolls ?? 0)) operation.status = 'COMPLETED';
    operation.polls += 1;
    const done = operation.status === 'COMPLETED';
    const text = fileOf(operation);
    return {
      id: operation.id,
      __typename: 'BulkOperation',
      status: operation.status,
      errorCode: operation.errorCode,
      objectCount: String(done ? operation.count : 0),
      rootObjectCount: String(done ? operation.lines.filter((line) => !line.includes('"__parentId"')).length : 0),
      fileSize: done ? String(Buffer.byteLength(text)) : null,
      url: done && text !== '' ? `${base()}/bulk/${operation.id.split('/').at(-1) ?? ''}.jsonl` : null,
      partialDataUrl: null,
      query: operation.query,
      type: 'QUERY',
      createdAt: operation.createdAt,
      completedAt: null,
    };
  };

  const root = {
    ...mutations,
    shop: { id: 'gid://shopify/Shop/548380009', name: 'Tideway Test Shop', myshopifyDomain: shop, currencyCode: 'EUR' },
    currentAppInstallation: { accessScopes: [{ handle: 'read_products' }, { handle: 'write_products' }] },
    publicApiVersions: [{ handle: '2026-07', displayName: '2026-07', supported: true }],
    products: (args: ListArguments, context: RequestContext) =>
      listOf(context, 'Product', store.products.values(), args, (item) => nodes.product(item)),
    productVariants: (args: ListArguments, context: RequestContext) =>
      listOf(context, 'ProductVariant', store.variants.values(), args, (item) => nodes.variant(item)),
    inventoryItems: (args: ListArguments, context: RequestContext) =>
      listOf(context, 'InventoryItem', store.items.values(), args, (item) => nodes.item(item)),
    customers: (args: ListArguments, context: RequestContext) =>
      listOf(context, 'Customer', store.customers.values(), args, (item) => nodes.customer(item)),
    orders: (args: ListArguments, context: RequestContext) =>
      listOf(context, 'Order', store.orders.values(), args, (item) => nodes.order(item)),
    locations: (args: ListArguments, context: RequestContext) =>
      listOf(context, 'Location', store.locations.values(), args, (item) => nodes.location(item)),
    metafieldDefinitions: (args: ListArguments & { ownerType: string }, context: RequestContext) =>
      listOf(
        context,
        'MetafieldDefinition',
        store.definitions
          .filter(({ owner }) => owner === args.ownerType)
          .map((definition, at) => ({
            ...definition,
            number: at + 1,
            id: `gid://shopify/MetafieldDefinition/${String(at + 1)}`,
          })),
        args,
        (item) => ({ ...item, name: item.name ?? item.key, type: { name: item.type } }),
      ),
    webhookSubscriptions: (args: ListArguments, context: RequestContext) =>
      listOf(context, 'WebhookSubscription', webhooks.hooks.values(), args, (item) => item),
    node: ({ id }: { id: string }) => nodes.byId(checked(id)),
    nodes: ({ ids }: { ids: string[] }) => {
      if (ids.length > 250)
        throw badRequest(
          `The input array size of ${String(ids.length)} is greater than the maximum allowed of 250.`,
          'MAX_INPUT_SIZE_EXCEEDED',
        );
      return ids.map((id) => nodes.byId(checked(id)));
    },
    product: one('Product'),
    productVariant: one('ProductVariant'),
    inventoryItem: one('InventoryItem'),
    location: one('Location'),
    customer: one('Customer'),
    order: one('Order'),
    productByIdentifier: ({
      identifier,
    }: {
      identifier: { id?: string; handle?: string; customId?: { namespace?: string; key: string; value: string } };
    }) => {
      const { id, handle, customId } = identifier;
      const owner = customId === undefined ? undefined : mutations.ownerOf(customId, 'Product');
      const found = [...store.products.values()].find(
        (item) => item.id === id || item.handle === handle || item.id === owner,
      );
      return found ? nodes.product(found) : null;
    },
    customerByIdentifier: ({
      identifier,
    }: {
      identifier: { id?: string; emailAddress?: string; phoneNumber?: string };
    }) => {
      const { id, emailAddress, phoneNumber } = identifier;
      const found = [...store.customers.values()].find(
        (item) =>
          item.id === id ||
          (emailAddress !== undefined && item.email === emailAddress.toLowerCase()) ||
          (phoneNumber !== undefined && item.phone === phoneNumber),
      );
      return found ? nodes.customer(found) : null;
    },
    productsCount: { count: () => store.products.size, precision: 'EXACT' },
    bulkOperation: ({ id }: { id: string }) => {
      const operation = operations.get(checked(id));
      return operation === undefined ? null : operationNode(operation);
    },
    bulkOperationRunQuery: ({ query }: { query: string }) => {
      const running = [...operations.values()].filter(({ status }) => status === 'RUNNING');
      if (running.length >= 5) {
        return {
          userErrors: [
            {
              field: null,
              message: `A bulk query operation for this app and shop is already in progress: ${running[0]?.id ?? ''}.`,
              code: 'OPERATION_IN_PROGRESS',
            },
          ],
        };
      }
      const document = parsed(query);
      const errors = document instanceof GraphQLError ? [document] : validate(schema, document);
      if (errors.length > 0) {
        return {
          userErrors: [
            { field: ['query'], message: `Invalid bulk query: ${errors[0]?.message ?? ''}`, code: 'INVALID' },
          ],
        };
      }
      const { data, context } = carryOut(document as DocumentNode, {}, true);
      if (context.search.length > 0) {
        return { userErrors: [{ field: ['query'], message: 'Invalid search.', code: 'INVALID' }] };
      }
      const id = `gid://shopify/BulkOperation/${String(store.next())}`;
      const lines = toLines(data ?? {});
      const operation: BulkOperation = {
        id,
        query,
        createdAt: store.time(),
        lines,
        count: lines.length,
        polls: 0,
        status: 'RUNNING',
        errorCode: null,
      };
      operations.set(id, operation);
      return {
        userErrors: [],
        bulkOperation: { ...operationNode({ ...operation, polls: -1 }), status: 'CREATED', url: null },
      };
    },
    webhookSubscriptionCreate: ({
      topic,
      webhookSubscription: { uri = '' },
    }: {
      topic: string;
      webhookSubscription: { uri?: string };
    }) => {
      const field = ['webhookSubscription', 'callbackUrl'];
      if (uri === '') return { userErrors: [{ field, message: "Address can't be blank" }] };
      if (uri.startsWith('http://'))
        return { userErrors: [{ field, message: 'Address protocol http:// is not supported' }] };
      if ([...webhooks.hooks.values()].some((hook) => hook.topic === topic && hook.uri === uri)) {
        return { userErrors: [{ field, message: 'Address for this topic has already been taken' }] };
      }
      const number = store.next();
      const hook = {
        id: `gid://shopify/WebhookSubscription/${String(number)}`,
        number,
        topic,
        uri,
        format: 'JSON' as const,
        createdAt: store.time(),
      };
      webhooks.hooks.set(hook.id, hook);
      return { userErrors: [], webhookSubscription: hook };
    },
    webhookSubscriptionDelete: ({ id }: { id: string }) =>
      webhooks.hooks.delete(id)
        ? { userErrors: [], deletedWebhookSubscriptionId: id }
        : { userErrors: [{ field: ['id'], message: 'Webhook subscription does not exist' }] },
  };

  const carryOut = (document: DocumentNode, variables: Variables, bulk: boolean) => {
    const context: RequestContext = { store, bulk, search: [] };
    const result = execute({ schema, document, rootValue: root, contextValue: context, variableValues: variables });
    if (result instanceof Promise) throw new Error('The stand-in answers at once.');
    return {
      data: result.data as Readonly<Record<string, unknown>> | null | undefined,
      errors: result.errors ?? [],
      context,
    };
  };

  const graphql = (body: unknown): Answer => {
    const { query, variables = {} } = (body ?? {}) as { query?: unknown; variables?: Variables | null };
    if (typeof query !== 'string')
      return { status: 400, body: { errors: { query: 'Required parameter missing or invalid' } } };
    documents.push(query);
    const document = parsed(query);
    if (document instanceof GraphQLError) return invalid([document], 'PARSE_ERROR');
    const wrong = validate(schema, document);
    if (wrong.length > 0) return invalid(wrong, codeOf(wrong[0]?.message ?? ''));
    const cost = requestedCost(schema, document, variables ?? {});
    if (cost > 1000) {
      const extensions = {
        code: 'MAX_COST_EXCEEDED',
        cost,
        maxCost: 1000,
        documentation: 'https://shopify.dev/api/usage/rate-limits',
      };
      return {
        status: 200,
        body: {
          errors: [
            {
              message: `Query cost is ${String(cost)}, which exceeds the single query max cost limit (1000).`,
              extensions,
            },
          ],
        },
      };
    }
    refill();
    const status = (): object => ({
      maximumAvailable: points.capacity,
      currentlyAvailable: Math.floor(left),
      restoreRate: points.restorePerSecond,
    });
    if (cost > left) {
      const extensions = { code: 'THROTTLED', documentation: 'https://shopify.dev/api/usage/rate-limits' };
      return {
        status: 200,
        body: {
          errors: [{ message: 'Throttled', extensions }],
          extensions: { cost: { requestedQueryCost: cost, actualQueryCost: null, throttleStatus: status() } },
        },
      };
    }
    const { data, errors, context } = carryOut(document, variables ?? {}, false);
    if (data === undefined) return invalid(errors, 'INVALID_VARIABLE');
    left -= cost;
    spent += cost;
    return {
      status: 200,
      body: {
        data,
        ...(errors.length === 0 ? {} : { errors: errors.map(shown) }),
        extensions: {
          cost: { requestedQueryCost: cost, actualQueryCost: cost, throttleStatus: status() },
          ...(context.search.length === 0 ? {} : { search: context.search }),
        },
      },
    };
  };

  const refill = (): void => {
    left = Math.min(points.capacity, left + ((now() - leftAt) / 1000) * points.restorePerSecond);
    leftAt = now();
  };

  const grant = (body: unknown): Answer => {
    const {
      client_id: id,
      client_secret: secret,
      grant_type: kind,
      refresh_token: refresh,
    } = (body ?? {}) as Readonly<Record<string, unknown>>;
    const no = (error: string): Answer => ({
      status: 400,
      body: { error, error_description: 'The request was refused.' },
    });
    if (options.client === undefined || id !== options.client.id || secret !== options.client.secret)
      return no('invalid_client');
    const token = `shpat_${randomBytes(12).toString('hex')}`;
    if (kind === 'client_credentials') {
      grants += 1;
      granted.set(token, now() + 86_399_000);
      return { status: 200, body: { access_token: token, scope: 'read_products,write_products', expires_in: 86_399 } };
    }
    if (kind !== 'refresh_token' || refresh !== refreshToken) return no('invalid_grant');
    grants += 1;
    refreshToken = `shprt_${randomBytes(12).toString('hex')}`;
    granted.clear();
    granted.set(token, now() + 3_600_000);
    return {
      status: 200,
      body: {
        access_token: token,
        expires_in: 3600,
        refresh_token: refreshToken,
        refresh_token_expires_in: 7_776_000,
        scope: 'read_products',
      },
    };
  };

  const serve = (request: IncomingMessage, raw: Buffer): Answer => {
    const { pathname } = new URL(request.url ?? '/', 'http://shop');
    const body = readJson(raw);
    if (pathname === '/admin/oauth/access_token') return grant(body);
    const [, version] = /^\/admin\/api\/(\d{4}-\d{2}|unstable)\/graphql\.json$/.exec(pathname) ?? [];
    if (version === undefined || request.method !== 'POST') return { status: 404, body: { errors: 'Not Found' } };
    const token = String(request.headers['x-shopify-access-token'] ?? '');
    if (token !== options.token && (granted.get(token) ?? 0) <= now()) {
      return {
        status: 401,
        body: { errors: '[API] Invalid API key or access token (unrecognized login or wrong password)' },
      };
    }
    if (body === undefined)
      return { status: 400, body: { errors: { query: 'Required parameter missing or invalid' } } };
    return { ...graphql(body), headers: { 'x-shopify-api-version': options.servedVersion ?? version } };
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const file = /^\/bulk\/(\d+)\.jsonl$/.exec(request.url ?? '')?.[1];
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks);
    const fault = applies(raw.toString()) ? faults.take(request) : undefined;
    if (fault?.kind === 'reset') {
      request.socket.resetAndDestroy();
      return;
    }
    if (file !== undefined && fault === undefined) {
      sendFile(request, response, operations.get(`gid://shopify/BulkOperation/${file}`));
      return;
    }
    if (fault) misbehave(fault, () => serve(request, raw), request, response);
    else answerWith(response, serve(request, raw));
  };

  const misbehave = (
    fault: PlainFault,
    effect: () => Answer,
    request: IncomingMessage,
    response: ServerResponse,
  ): void => {
    switch (fault.kind) {
      case 'status':
        if (fault.applied) effect();
        response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
        response.end(fault.body ?? JSON.stringify({ errors: 'An unexpected error occurred' }));
        return;
      case 'drop_answer':
        effect();
        request.socket.resetAndDestroy();
        return;
      case 'truncate': {
        const text = JSON.stringify(effect().body);
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
      case 'body':
        response.writeHead(200, { 'content-type': fault.contentType });
        response.end(fault.body);
        return;
      case 'hang':
        if (fault.applied) effect();
        return;
      case 'delay':
      case 'late':
      case 'reset':
        answerWith(response, effect());
    }
  };

  const answerWith = (response: ServerResponse, { status, body, headers }: Answer): void => {
    response.writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      date: new Date(now()).toUTCString(),
      'x-request-id': 'test',
      ...headers,
    });
    response.end(JSON.stringify(body));
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (!response.headersSent) answerWith(response, { status: 500, body: { errors: String(error) } });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const base = (): string => `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;

  const asPerson = <Result>(work: () => Result): Result => {
    store.actor = 'person';
    try {
      return work();
    } finally {
      store.actor = 'api';
    }
  };

  return {
    url: base(),
    shop,
    store,
    journal: () => store.journal,
    person: (text, variables = {}) =>
      asPerson(() => {
        const document = parse(text);
        const wrong = validate(schema, document);
        const { data, errors } =
          wrong.length > 0 ? { data: null, errors: wrong } : carryOut(document, variables, false);
        if (errors.length > 0 || !data) throw new Error(errors.map(({ message }) => message).join(' '));
        return data;
      }),
    order: ({ lines, email = null }) =>
      asPerson(() => {
        const number = store.next();
        const time = store.time();
        const order: Order = {
          id: `gid://shopify/Order/${String(number)}`,
          number,
          orderNumber: 1000 + store.orders.size + 1,
          createdAt: time,
          updatedAt: time,
          customer: null,
          currency: 'EUR',
          lines: lines.map((line) => {
            const own = store.next();
            return { ...line, number: own, id: `gid://shopify/LineItem/${String(own)}` };
          }),
          email,
          phone: null,
          note: null,
          poNumber: null,
          tags: [],
          customAttributes: [],
        };
        store.orders.set(order.id, order);
        store.accept('create', 'Order', order, { lines, email });
        return order;
      }),
    fail: (script, to = () => true) => {
      applies = to;
      faults.add(script);
    },
    revealAll: () => {
      store.revealAll();
    },
    documents: () => documents,
    points: () => {
      refill();
      return left;
    },
    spent: () => spent,
    endBulk: (status, errorCode) => {
      for (const operation of operations.values()) {
        operation.status = status;
        operation.errorCode = errorCode ?? null;
      }
    },
    loseBulkLine: () => {
      for (const { lines } of operations.values()) lines.pop();
    },
    dropSubscriptions: () => {
      webhooks.hooks.clear();
    },
    subscriptions: () => [...webhooks.hooks.values()],
    deliveries: () => webhooks.deliveries,
    webhooksQuiet: () => webhooks.quiet(),
    expireTokens: () => {
      granted.clear();
    },
    grants: () => grants,
    stop: async () => {
      await webhooks.quiet();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function fileOf({ lines }: BulkOperation): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** Results lie in a store that knows ranges and no access tokens. */
function sendFile(request: IncomingMessage, response: ServerResponse, operation: BulkOperation | undefined): void {
  if (operation === undefined || request.headers['x-shopify-access-token'] !== undefined) {
    response.writeHead(operation === undefined ? 404 : 400).end();
    return;
  }
  const file = Buffer.from(fileOf(operation));
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  if (from === undefined || to === undefined) {
    response.writeHead(200, { 'content-type': 'application/jsonl' }).end(file);
    return;
  }
  const last = Math.min(Number(to), file.length - 1);
  response.writeHead(206, { 'content-range': `bytes ${from}-${String(last)}/${String(file.length)}` });
  response.end(file.subarray(Number(from), last + 1));
}

function parsed(query: string): DocumentNode | GraphQLError {
  try {
    return parse(query);
  } catch (error) {
    return error as GraphQLError;
  }
}

/** An error of the request as a whole: the answer then has no data at all. */
function invalid(errors: readonly GraphQLError[], code: string): Answer {
  return {
    status: 200,
    body: {
      errors: errors.map((error) => ({
        message: error.message,
        locations: error.locations,
        extensions: { code: (error.extensions['code'] as string | undefined) ?? code },
      })),
    },
  };
}

function shown({ message, locations, path, extensions, originalError }: GraphQLError): object {
  const code = (extensions['code'] as string | undefined) ?? (originalError ? 'INTERNAL_SERVER_ERROR' : undefined);
  return { message, locations, path, ...(code === undefined ? {} : { extensions: { code } }) };
}

function codeOf(message: string): string {
  if (message.startsWith('Cannot query field')) return 'undefinedField';
  if (message.startsWith('Unknown directive')) return 'undefinedDirective';
  if (message.includes('is required, but it was not provided')) return 'missingRequiredArguments';
  return 'argumentLiteralsIncompatible';
}

function readJson(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString()) as unknown;
  } catch {
    return undefined;
  }
}
