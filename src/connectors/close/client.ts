import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { HttpAnswer, HttpRequest } from '../../runtime/http-client.ts';
import { parseRetryAfter, type BudgetNews } from '../../runtime/rate-limit.ts';
import type { Session } from '../connector.ts';
import type { CloseSettings } from './settings.ts';

const row = z.looseObject({ id: z.string().min(1) });
export type CloseRow = z.infer<typeof row>;

const listing = z.looseObject({ data: z.array(row), has_more: z.boolean().optional() });
const found = z.looseObject({ data: z.array(row), cursor: z.string().nullish() });

const event = z.looseObject({
  id: z.string(),
  object_type: z.string(),
  object_id: z.string(),
  action: z.string(),
});
const eventPage = z.looseObject({ data: z.array(event), cursor_next: z.string().nullish() });
export type CloseEvents = z.infer<typeof eventPage>;

const field = z.looseObject({
  id: z.string().min(1),
  name: z.string().default(''),
  type: z.string(),
  accepts_multiple_values: z.boolean().default(false),
  required: z.boolean().nullish(),
});
export type CustomField = z.infer<typeof field>;

const me = z.looseObject({
  organizations: z.array(z.looseObject({ id: z.string(), name: z.string().default('') })).default([]),
});

const subscription = z.looseObject({
  id: z.string(),
  url: z.string(),
  status: z.string().default('active'),
  events: z.array(z.looseObject({ object_type: z.string(), action: z.string() })).default([]),
});
const made = subscription.extend({ signature_key: z.string().min(1) });

export type Query = Readonly<Record<string, string>>;

interface Answered<T> {
  readonly data: T;
  /** The app's clock when it answered, milliseconds. */
  readonly at: number;
}

export interface CloseClient {
  readonly settings: CloseSettings;
  me(): Promise<z.infer<typeof me>>;
  fields(object: string): Promise<readonly CustomField[]>;
  list(path: string, query: Query): Promise<Answered<z.infer<typeof listing>>>;
  search(body: unknown): Promise<Answered<z.infer<typeof found>>>;
  events(query: Query): Promise<Answered<CloseEvents>>;
  /** Null: the app says that there is no such record. */
  get(path: string, id: string, query: Query): Promise<CloseRow | null>;
  create(path: string, body: unknown): Promise<CloseRow>;
  update(path: string, id: string, body: unknown): Promise<CloseRow | null>;
  remove(path: string, id: string): Promise<boolean>;
  webhooks(): Promise<readonly z.infer<typeof subscription>[]>;
  makeWebhook(body: unknown): Promise<z.infer<typeof made>>;
  saveWebhook(id: string, body: unknown): Promise<void>;
}

/** Single requests with a good key were seen to be refused as unauthorised. */
const TRIES_OF_401 = 3;

export function createCloseClient(session: Session<CloseSettings>): CloseClient {
  const { settings, http } = session;
  const root = `${settings.base_url}/api/v1/`;

  const send = async (request: Omit<HttpRequest, 'url'>, path: string, query: Query = {}): Promise<HttpAnswer> => {
    if (session.secret === null || session.secret === '') {
      throw new Fault('SETTINGS_INVALID', 'A connection to Close needs an API key as its secret.');
    }
    const search = new URLSearchParams(query).toString();
    for (let tries = 1; ; tries += 1) {
      const answer = await http.send({
        ...request,
        // Without the slash at its end the app redirects, and a redirected write is no write.
        url: `${root}${path}/${search === '' ? '' : `?${search}`}`,
        headers: {
          accept: 'application/json',
          authorization: `Basic ${Buffer.from(`${session.secret}:`).toString('base64')}`,
        },
        readBudget,
      });
      if (answer.status < 300) return answer;
      if (answer.status !== 401 || tries >= TRIES_OF_401) throw refusal(answer);
    }
  };
  const parse = <Schema extends z.ZodType>(answer: HttpAnswer, schema: Schema): z.infer<Schema> => {
    const parsed = schema.safeParse(answer.json());
    if (parsed.success) return parsed.data;
    throw answer.fault(`the answer has an unexpected shape at "${parsed.error.issues[0]?.path.join('.') ?? ''}"`, {
      code: 'BAD_RESPONSE',
    });
  };
  const answered = <T>(answer: HttpAnswer, data: T): Answered<T> => {
    const at = Date.parse(answer.headers['date'] ?? '');
    return { data, at: Number.isNaN(at) ? session.now() : at };
  };
  const orGone = async <T>(work: Promise<T>): Promise<T | null> => {
    try {
      return await work;
    } catch (problem) {
      if (problem instanceof Fault && problem.facts.code === 'NOT_FOUND') return null;
      throw problem;
    }
  };
  const read = async <Schema extends z.ZodType>(
    path: string,
    query: Query,
    schema: Schema,
  ): Promise<Answered<z.infer<Schema>>> => {
    const answer = await send({ method: 'GET' }, path, query);
    return answered(answer, parse(answer, schema));
  };

  return {
    settings,
    me: async () => (await read('me', {}, me)).data,
    fields: async (object) =>
      (await read(`custom_field_schema/${object}`, {}, z.looseObject({ fields: z.array(field) }))).data.fields,
    list: (path, query) => read(path, query, listing),
    search: async (body) => {
      const answer = await send({ method: 'POST', json: body, safe: true }, 'data/search');
      return answered(answer, parse(answer, found));
    },
    events: (query) => read('event', query, eventPage),
    get: async (path, id, query) => {
      const shown = await orGone(read(`${path}/${encodeURIComponent(id)}`, query, row));
      return shown?.data ?? null;
    },
    create: async (path, body) => parse(await send({ method: 'POST', json: body }, path), row),
    update: async (path, id, body) => {
      const answer = await orGone(send({ method: 'PUT', json: body }, `${path}/${encodeURIComponent(id)}`));
      return answer && parse(answer, row);
    },
    remove: async (path, id) =>
      (await orGone(send({ method: 'DELETE' }, `${path}/${encodeURIComponent(id)}`))) !== null,
    webhooks: async () => (await read('webhook', {}, z.looseObject({ data: z.array(subscription) }))).data.data,
    makeWebhook: async (body) => parse(await send({ method: 'POST', json: body }, 'webhook'), made),
    saveWebhook: async (id, body) => {
      await send({ method: 'PUT', json: body }, `webhook/${encodeURIComponent(id)}`);
    },
  };
}

const errorBody = z.union([
  z.looseObject({ 'field-errors': z.record(z.string(), z.unknown()), errors: z.array(z.unknown()).default([]) }),
  z.looseObject({ error: z.union([z.string(), z.looseObject({ message: z.string() })]) }),
  z.looseObject({ message: z.string() }),
]);

function refusal(answer: HttpAnswer): Fault {
  const said = readError(answer);
  switch (answer.status) {
    case 402:
      return answer.fault(said?.text ?? 'the plan or trial of the organisation does not allow this', {
        code: 'PERMISSION_DENIED',
        suggestion: 'Look at the plan in Close under Settings, Billing.',
      });
    case 404:
      return said === undefined ? answer.fault() : answer.fault(said.text, { code: 'NOT_FOUND' });
    case 429: {
      const { retryAfter } = waitOf(answer);
      return answer.fault(said?.text, { code: 'RATE_LIMITED', ...(retryAfter === undefined ? {} : { retryAfter }) });
    }
    case 400:
      if (said === undefined) return answer.fault();
      return answer.fault(said.text, {
        code: said.column === undefined ? 'REQUEST_REFUSED' : 'VALUE_REFUSED',
        ...(said.column === undefined ? {} : { column: said.column }),
      });
    default:
      return answer.fault(said?.text);
  }
}

function readError(answer: HttpAnswer): { readonly text: string; readonly column?: string } | undefined {
  let said: z.infer<typeof errorBody> | undefined;
  try {
    said = errorBody.safeParse(answer.json()).data;
  } catch {
    return undefined;
  }
  if (said === undefined) return undefined;
  if ('field-errors' in said) {
    const fields = said['field-errors'] as Readonly<Record<string, unknown>>;
    const [column] = Object.keys(fields);
    const text = [
      ...Object.entries(fields).map(([name, why]) => `"${name}": ${textOf(why)}`),
      ...((said['errors'] as unknown[] | undefined) ?? []).map(textOf),
    ].join('; ');
    return { text: text || 'refused', ...(column === undefined ? {} : { column }) };
  }
  return { text: 'error' in said ? textOf(said['error']) : textOf(said['message']) };
}

/** A text, a list of texts, or either inside objects by name or position. */
function textOf(why: unknown): string {
  if (typeof why === 'string') return why;
  if (Array.isArray(why)) return why.map(textOf).join(', ');
  if (typeof why !== 'object' || why === null) return JSON.stringify(why);
  if ('message' in why) return textOf(why.message);
  return Object.entries(why)
    .map(([name, inner]) => `${name}: ${textOf(inner)}`)
    .join(', ');
}

const LONGEST_WAIT = 3_600_000;

/** `limit=100, remaining=50, reset=5`; an older form has semicolons. */
function readRateLimit(header: string | undefined): { remaining?: number; reset?: number } {
  const parts = new Map(
    (header ?? '').split(/[,;]/).flatMap((part) => {
      const [name = '', value = ''] = part.split('=');
      const number = Number(value.trim());
      return value.trim() === '' || Number.isNaN(number) ? [] : [[name.trim().toLowerCase(), number] as const];
    }),
  );
  const [remaining, reset] = [parts.get('remaining'), parts.get('reset')];
  return { ...(remaining === undefined ? {} : { remaining }), ...(reset === undefined ? {} : { reset }) };
}

const throttled = z.looseObject({ error: z.looseObject({ rate_reset: z.number() }) });

/** The app says how long to wait in up to three places; the body is the most exact. */
function waitOf(answer: HttpAnswer): { retryAfter?: number } {
  const { reset } = readRateLimit(answer.headers['ratelimit']);
  let seconds: number | undefined;
  try {
    seconds = throttled.safeParse(answer.json()).data?.error.rate_reset;
  } catch {
    seconds = undefined;
  }
  seconds ??= reset;
  const wait = seconds === undefined ? parseRetryAfter(answer.headers, Date.now()) : seconds * 1000;
  return wait === undefined ? {} : { retryAfter: Math.min(Math.max(0, wait), LONGEST_WAIT) };
}

function readBudget(answer: HttpAnswer): BudgetNews {
  if (answer.status === 429) return { throttled: waitOf(answer) };
  const { remaining, reset } = readRateLimit(answer.headers['ratelimit']);
  // Seldom sent with a good answer; when the last request was just spent, the next would be refused.
  if (remaining === undefined || remaining > 0 || reset === undefined) return {};
  return { throttled: { retryAfter: Math.min(Math.max(0, reset * 1000), LONGEST_WAIT) } };
}
