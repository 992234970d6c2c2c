import { createHmac, randomBytes } from 'node:crypto';
import { startAppServer, type AppAnswer, type AppRequest, type AppServer } from '../app-server.ts';
import { CloseRefusal, fieldError, notFound } from './close-refusal.ts';
import type { CloseField, CloseKind } from './close-schema.ts';
import { CloseSearch, listEvents, listRecords, only } from './close-search.ts';
import {
  CloseStore,
  LEAD_STATUSES,
  OPPORTUNITY_STATUSES,
  ORGANISATION,
  USER,
  type CloseEffect,
  type CloseEvent,
} from './close-store.ts';

export interface CloseAppOptions {
  readonly key: string;
  readonly port?: number;
  readonly now?: () => number;
  /** Milliseconds that searches and lists trail the records; default 0. */
  readonly lag?: number;
  /** Milliseconds for which a deleted record can still be read by its id. */
  readonly echo?: number;
  readonly consolidate?: number;
  readonly showsPresent?: boolean;
  /** Objects that one search shows; default 10,000. */
  readonly searchCap?: number;
  readonly mostFields?: number;
  readonly fields?: Partial<Record<'lead' | 'contact' | 'opportunity', readonly CloseField[]>>;
  /** What one key may ask; without it there is no limit. */
  readonly rate?: { readonly requests: number; readonly per: number };
}

interface CloseDelivery {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Hook {
  readonly id: string;
  url: string;
  status: string;
  events: readonly { readonly object_type: string; readonly action: string }[];
  readonly verify_ssl: boolean;
  readonly date_created: string;
  readonly key: string;
}

export interface CloseApp extends Pick<AppServer, 'url' | 'fail' | 'requests' | 'stop'> {
  readonly store: CloseStore;
  /** Effects that came over the API, oldest first. */
  effects(): readonly CloseEffect[];
  /** What a person does in the app. */
  edit(kind: CloseKind, id: string, body: Readonly<Record<string, unknown>>): void;
  remove(kind: CloseKind, id: string): void;
  expireCursors(): void;
  hooks(): Hook[];
  takeDeliveries(): readonly CloseDelivery[];
}

const PATHS: Readonly<Record<string, CloseKind>> = {
  lead: 'lead',
  contact: 'contact',
  opportunity: 'opportunity',
  task: 'task',
  'activity/note': 'note',
  'activity/call': 'call',
  'activity/email': 'email',
};

const SMALL: Readonly<Record<string, readonly object[]>> = {
  user: [{ id: USER, email: 'ann@example.com', first_name: 'Ann', last_name: 'Stand', image: null }],
  'status/lead': LEAD_STATUSES,
  'status/opportunity': OPPORTUNITY_STATUSES,
  pipeline: [{ id: 'pipe_sales', name: 'Sales', organization_id: ORGANISATION, statuses: OPPORTUNITY_STATUSES }],
};

const FIELDS: Readonly<Record<'lead' | 'contact' | 'opportunity', readonly CloseField[]>> = {
  lead: [
    { id: 'cf_leadKey', name: 'Key', type: 'text' },
    { id: 'cf_size', name: 'Size', type: 'number' },
    { id: 'cf_visit', name: 'Visit', type: 'datetime' },
    { id: 'cf_born', name: 'Born', type: 'date' },
    { id: 'cf_colour', name: 'Colour', type: 'choices', choices: ['red', 'blue'] },
    { id: 'cf_tags', name: 'Tags', type: 'choices', choices: ['a', 'b', 'c'], accepts_multiple_values: true },
    { id: 'cf_owner', name: 'Owner', type: 'user' },
    { id: 'cf_odd', name: 'Odd', type: 'somethingnew' },
  ],
  contact: [{ id: 'cf_contactKey', name: 'Key', type: 'text' }],
  opportunity: [{ id: 'cf_oppoKey', name: 'Key', type: 'text' }],
};

/** An organisation that answers as Close does, as far as its fact sheet goes. */
export async function startCloseApp(options: CloseAppOptions): Promise<CloseApp> {
  const now = options.now ?? Date.now;
  const fields = { ...FIELDS, ...options.fields };
  const hooks: Hook[] = [];
  const queue: CloseEvent[] = [];
  const times: number[] = [];
  const store = new CloseStore({
    now,
    lag: options.lag ?? 0,
    consolidate: options.consolidate ?? 0,
    fields,
    onEvent: (event) => {
      queue.push({ ...event });
    },
  });
  const search = new CloseSearch({
    now,
    cap: options.searchCap ?? 10_000,
    mostFields: options.mostFields ?? 100,
    showsPresent: options.showsPresent ?? false,
    indexed: (kind) => store.indexed(kind),
    present: (kind, id) => {
      try {
        return store.get(kind, id);
      } catch {
        return null;
      }
    },
  });

  const answer = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): AppAnswer => ({
    status,
    headers: { 'content-type': 'application/json', date: new Date(now()).toUTCString(), ...headers },
    body: JSON.stringify(body),
  });

  const serve = (request: AppRequest): AppAnswer => {
    try {
      return route(request);
    } catch (error) {
      if (error instanceof CloseRefusal) return answer(error.status, error.body);
      throw error;
    }
  };

  const throttle = (): AppAnswer | undefined => {
    const { rate } = options;
    if (rate === undefined) return undefined;
    const at = now();
    times.splice(
      0,
      times.findIndex((time) => time > at - rate.per) === -1
        ? times.length
        : times.findIndex((time) => time > at - rate.per),
    );
    if (times.length < rate.requests) {
      times.push(at);
      return undefined;
    }
    const reset = ((times[0] ?? at) + rate.per - at) / 1000;
    return answer(
      429,
      {
        error: {
          rate_reset: reset,
          message: 'API call count exceeded for this period',
          rate_limit: rate.requests,
          rate_window: rate.per / 1000,
          rate_limit_type: 'key',
        },
      },
      {
        ratelimit: `limit=${String(rate.requests)}, remaining=0, reset=${String(Math.ceil(reset))}`,
        'retry-after': String(Math.ceil(reset)),
      },
    );
  };

  const route = (request: AppRequest): AppAnswer => {
    const { pathname, searchParams: query } = request.url;
    const path = /^\/api\/v1\/(.+)$/.exec(pathname)?.[1];
    if (path === undefined) throw notFound();
    if (!path.endsWith('/')) return answer(301, {}, { location: `${pathname}/` });
    if (request.headers.authorization !== `Basic ${Buffer.from(`${options.key}:`).toString('base64')}`) {
      throw new CloseRefusal(401, { error: 'Unauthorized' });
    }
    const throttled = throttle();
    if (throttled) return throttled;
    const name = path.slice(0, -1);
    const method = request.method;
    if (name === 'me' && method === 'GET') {
      return answer(200, {
        id: USER,
        email: 'ann@example.com',
        first_name: 'Ann',
        last_name: 'Stand',
        organizations: [{ id: ORGANISATION, name: 'Stand-in' }],
      });
    }
    if (name === 'data/search' && method === 'POST') return answer(200, search.run(bodyOf(request)));
    if (name === 'event' && method === 'GET') return answer(200, listEvents(store.events as never[], query, now()));
    if (name === 'lead/merge' && method === 'POST') {
      const { source, destination } = bodyOf(request);
      store.merge(String(source), String(destination), 'api');
      return answer(200, {});
    }
    const [, object] = /^custom_field_schema\/(lead|contact|opportunity)$/.exec(name) ?? [];
    if (object !== undefined && method === 'GET') {
      const known = fields[object as 'lead'].map((field) => ({
        accepts_multiple_values: false,
        required: false,
        is_shared: false,
        ...field,
      }));
      return answer(200, { object_type: object, fields: known });
    }
    if (SMALL[name] !== undefined && method === 'GET') {
      return answer(200, name === 'user' ? { data: SMALL[name], has_more: false } : { data: SMALL[name] });
    }
    if (name === 'webhook' || name.startsWith('webhook/'))
      return webhooks(method, name.slice('webhook/'.length), request);
    return records(method, name, request);
  };

  const records = (method: string, name: string, request: AppRequest): AppAnswer => {
    const query = request.url.searchParams;
    const listed = PATHS[name];
    if (listed !== undefined && method === 'GET') {
      const all = listed === 'task' && query.get('_type') === 'all' ? store.indexed('task') : store.indexed(listed);
      return answer(200, listRecords(listed, all, query));
    }
    if (listed !== undefined && method === 'POST') {
      if (listed === 'task' && (bodyOf(request)['_type'] ?? 'lead') !== 'lead') throw fieldError('_type', 'Only lead.');
      return answer(200, store.create(listed, bodyOf(request), 'api'));
    }
    const [, base = '', id = ''] = /^(.+)\/([^/]+)$/.exec(name) ?? [];
    const kind = PATHS[base];
    if (kind === undefined) throw notFound();
    if (method === 'GET') {
      const wanted = query.get('_fields')?.split(',');
      const record = store.getOrJustDeleted(kind, id, options.echo ?? 0);
      return answer(200, wanted ? only(record, wanted) : record);
    }
    if (method === 'PUT') return answer(200, store.update(kind, id, bodyOf(request), 'api'));
    if (method === 'DELETE') {
      store.remove(kind, id, 'api');
      return answer(200, {});
    }
    throw new CloseRefusal(405, { error: 'Method not allowed.' });
  };

  const shownHook = (hook: Hook): object => Object.fromEntries(Object.entries(hook).filter(([name]) => name !== 'key'));
  const webhooks = (method: string, id: string, request: AppRequest): AppAnswer => {
    if (id === '' && method === 'GET') return answer(200, { data: hooks.map(shownHook) });
    if (id === '' && method === 'POST') {
      const { url, events, verify_ssl: verify } = bodyOf(request);
      if (typeof url !== 'string' || !/^https?:/.test(url)) throw fieldError('url', 'Not a valid URL.');
      if (!Array.isArray(events) || events.length === 0) throw fieldError('events', 'This field is required.');
      const twins = hooks.filter(
        (one) => one.status === 'active' && one.url === url && JSON.stringify(one.events) === JSON.stringify(events),
      );
      if (twins.length > 0) {
        const names = twins.map((one) => one.id).join(', ');
        throw new CloseRefusal(400, {
          errors: [`Duplicate active subscription. Existing duplicates are: ${names}`],
          'field-errors': {},
        });
      }
      const hook: Hook = {
        id: store.nextId('whsub'),
        url,
        status: 'active',
        events: events as Hook['events'],
        verify_ssl: verify !== false,
        date_created: new Date(now()).toISOString(),
        key: randomBytes(32).toString('hex'),
      };
      hooks.push(hook);
      return answer(201, { ...shownHook(hook), signature_key: hook.key });
    }
    const hook = hooks.find((one) => one.id === id);
    if (hook === undefined) throw notFound();
    if (method === 'PUT') {
      const { status, url, events } = bodyOf(request);
      Object.assign(hook, JSON.parse(JSON.stringify({ status, url, events })));
    } else if (method === 'DELETE') {
      hooks.splice(hooks.indexOf(hook), 1);
      return answer(200, {});
    }
    return answer(200, shownHook(hook));
  };

  const takeDeliveries = (): CloseDelivery[] =>
    queue.splice(0).flatMap((event) =>
      hooks
        .filter(
          ({ status, events }) =>
            status === 'active' &&
            events.some((one) => one.object_type === event.object_type && one.action === event.action),
        )
        .map(({ id, url, key }) => {
          const body = JSON.stringify({ event, subscription_id: id });
          return { url, headers: signedHeaders(key, Math.floor(now() / 1000), body), body };
        }),
    );

  const server = await startAppServer(serve, options.port);
  return {
    ...server,
    store,
    effects: () => store.effects.filter(({ actor }) => actor === 'api'),
    edit: (kind, id, body) => {
      store.update(kind, id, body, 'person');
    },
    remove: (kind, id) => {
      store.remove(kind, id, 'person');
    },
    expireCursors: () => {
      search.expireCursors();
    },
    hooks: () => hooks,
    takeDeliveries,
  };
}

export function signedHeaders(key: string, seconds: number, body: string): Record<string, string> {
  const hash = createHmac('sha256', Buffer.from(key, 'hex'))
    .update(`${String(seconds)}${body}`)
    .digest('hex');
  return { 'close-sig-timestamp': String(seconds), 'close-sig-hash': hash };
}

function bodyOf({ body, headers }: AppRequest): Readonly<Record<string, unknown>> {
  if (!/^application\/json/.test(headers['content-type'] ?? ''))
    throw new CloseRefusal(415, { error: 'Unsupported media type.' });
  try {
    return JSON.parse(body.toString()) as Record<string, unknown>;
  } catch {
    throw new CloseRefusal(400, { error: 'The request contains invalid JSON.' });
  }
}
