import { z } from 'zod';
import type { Fault } from '../../model/fault.ts';
import { type FaultCode } from '../../model/fault.ts';
import type { HttpAnswer, HttpRequest } from '../../runtime/http-client.ts';
import type { Session } from '../connector.ts';
import type { AirtableSettings } from './settings.ts';

const field = z.looseObject({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  options: z
    .looseObject({
      linkedTableId: z.string().optional(),
      prefersSingleRecordLink: z.boolean().optional(),
      result: z.looseObject({ type: z.string() }).nullish(),
    })
    .nullish(),
});
const table = z.looseObject({
  id: z.string(),
  name: z.string(),
  primaryFieldId: z.string().optional(),
  fields: z.array(field),
});
const record = z.looseObject({
  id: z.string(),
  createdTime: z.string().optional(),
  fields: z.record(z.string(), z.unknown()),
});

export type AirtableField = z.infer<typeof field>;
export type AirtableTable = z.infer<typeof table>;
export type AirtableRecord = z.infer<typeof record>;

const payload = z.looseObject({
  error: z.boolean().optional(),
  changedTablesById: z
    .record(z.string(), z.looseObject({ destroyedRecordIds: z.array(z.string()).optional() }))
    .optional(),
});
const payloads = z.looseObject({
  payloads: z.array(payload),
  cursor: z.number(),
  mightHaveMore: z.boolean().default(false),
});
const hook = z.looseObject({
  id: z.string(),
  notificationUrl: z.string().nullish(),
  cursorForNextPayload: z.number().default(1),
  areNotificationsEnabled: z.boolean().default(true),
  expirationTime: z.string().nullish(),
});

type AirtableHook = z.infer<typeof hook>;

interface Listing {
  readonly records: readonly AirtableRecord[];
  readonly offset: string | undefined;
  /** The app's clock when it answered, milliseconds. */
  readonly at: number;
}

const SCHEMA_LASTS = 300_000;

export interface AirtableClient {
  /** Tables and fields; a few minutes old unless `fresh`. */
  schema(fresh?: boolean): Promise<readonly AirtableTable[]>;
  list(table: string, body: Readonly<Record<string, unknown>>): Promise<Listing>;
  write(table: string, method: 'POST' | 'PATCH', body: unknown): Promise<readonly AirtableRecord[]>;
  remove(table: string, ids: readonly string[]): Promise<void>;
  hooks(): Promise<readonly AirtableHook[]>;
  payloads(hook: string, cursor: number): Promise<z.infer<typeof payloads>>;
  makeHook(body: unknown): Promise<{ id: string; macSecretBase64: string; expirationTime?: string | null | undefined }>;
  refreshHook(id: string): Promise<string | null>;
  ringAgain(id: string): Promise<void>;
  removeHook(id: string): Promise<void>;
}

export function createAirtableClient({
  settings,
  secret,
  http,
  memory,
  now,
}: Session<AirtableSettings>): AirtableClient {
  const base = `/v0/${settings.base_id}`;
  const hooksPath = `/v0/bases/${settings.base_id}/webhooks`;

  const send = async (path: string, request: Omit<HttpRequest, 'url' | 'headers'>): Promise<HttpAnswer> => {
    const answer = await http.send({
      ...request,
      url: settings.base_url + path,
      headers: { authorization: `Bearer ${secret ?? ''}` },
    });
    if (answer.status >= 300) throw refusal(answer);
    return answer;
  };
  const ask = async <Schema extends z.ZodType>(
    schema: Schema,
    path: string,
    request: Omit<HttpRequest, 'url' | 'headers'>,
  ): Promise<z.infer<Schema>> => parse(await send(path, request), schema);

  return {
    schema: (fresh = false) => {
      if (fresh) memory.forget('schema');
      return memory.remember('schema', SCHEMA_LASTS, async () => {
        const answer = await ask(z.object({ tables: z.array(table) }), `/v0/meta/bases/${settings.base_id}/tables`, {
          method: 'GET',
        });
        return answer.tables;
      });
    },
    list: async (name, body) => {
      // A GET would do as well until its address grows too long.
      const answer = await send(`${base}/${encodeURIComponent(name)}/listRecords`, {
        method: 'POST',
        json: body,
        safe: true,
      });
      const { records, offset } = parse(answer, z.object({ records: z.array(record), offset: z.string().optional() }));
      const at = Date.parse(answer.headers['date'] ?? '');
      return { records, offset, at: Number.isNaN(at) ? now() : at };
    },
    write: async (name, method, body) => {
      const answer = await ask(z.object({ records: z.array(record) }), `${base}/${encodeURIComponent(name)}`, {
        method,
        json: body,
      });
      return answer.records;
    },
    remove: async (name, ids) => {
      const query = ids.map((id) => `records[]=${encodeURIComponent(id)}`).join('&');
      await send(`${base}/${encodeURIComponent(name)}?${query}`, { method: 'DELETE' });
    },
    hooks: async () => (await ask(z.object({ webhooks: z.array(hook) }), hooksPath, { method: 'GET' })).webhooks,
    payloads: (id, cursor) => ask(payloads, `${hooksPath}/${id}/payloads?cursor=${String(cursor)}`, { method: 'GET' }),
    makeHook: (body) =>
      ask(
        z.looseObject({ id: z.string(), macSecretBase64: z.string(), expirationTime: z.string().nullish() }),
        hooksPath,
        {
          method: 'POST',
          json: body,
        },
      ),
    refreshHook: async (id) =>
      (
        await ask(z.looseObject({ expirationTime: z.string().nullish() }), `${hooksPath}/${id}/refresh`, {
          method: 'POST',
          json: {},
          safe: true,
        })
      ).expirationTime ?? null,
    ringAgain: async (id) => {
      await send(`${hooksPath}/${id}/enableNotifications`, { method: 'POST', json: { enable: true }, safe: true });
    },
    removeHook: async (id) => {
      await send(`${hooksPath}/${id}`, { method: 'DELETE' });
    },
  };
}

function parse<Schema extends z.ZodType>(answer: HttpAnswer, schema: Schema): z.infer<Schema> {
  const parsed = schema.safeParse(answer.json());
  if (parsed.success) return parsed.data;
  throw answer.fault(`the answer has an unexpected shape at "${parsed.error.issues[0]?.path.join('.') ?? ''}"`, {
    code: 'BAD_RESPONSE',
  });
}

const CODES: Readonly<Record<string, FaultCode>> = {
  AUTHENTICATION_REQUIRED: 'AUTH_EXPIRED',
  UNAUTHORIZED: 'AUTH_EXPIRED',
  INVALID_PERMISSIONS: 'PERMISSION_DENIED',
  // Wrong id or no access: the app does not say which.
  INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND: 'TABLE_MISSING',
  MODEL_ID_NOT_FOUND: 'NOT_FOUND',
  NOT_FOUND: 'NOT_FOUND',
  ROW_DOES_NOT_EXIST: 'NOT_FOUND',
  UNKNOWN_FIELD_NAME: 'MAPPING_FIELD_MISSING',
  INVALID_VALUE_FOR_COLUMN: 'VALUE_REFUSED',
  INVALID_MULTIPLE_CHOICE_OPTIONS: 'VALUE_REFUSED',
  INVALID_FILTER_BY_FORMULA: 'SETTINGS_INVALID',
  LIST_RECORDS_ITERATOR_NOT_AVAILABLE: 'CURSOR_EXPIRED',
  INVALID_OFFSET_VALUE: 'CURSOR_EXPIRED',
  PUBLIC_API_BILLING_LIMIT_EXCEEDED: 'QUOTA_EXHAUSTED',
};

const SUGGESTIONS: Readonly<Record<string, string>> = {
  INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND:
    'Check base_id and the id of the table, and that the token has this base in its list and the scopes data.records:read, data.records:write and schema.bases:read.',
  UNKNOWN_FIELD_NAME: 'Call tideway.discover(...) and map the column by its id, which no renaming changes.',
  INVALID_MULTIPLE_CHOICE_OPTIONS: 'Add the choice in Airtable, or set "typecast": true.',
  PUBLIC_API_BILLING_LIMIT_EXCEEDED:
    "The workspace has used up this month's API calls; nothing goes on before the next month or a larger plan.",
};

function refusal(answer: HttpAnswer): Fault {
  const said = readError(answer);
  if (said === undefined) return answer.fault();
  const { type, message } = said;
  const code = CODES[type];
  const suggestion = SUGGESTIONS[type];
  const column = /[Ff]ield (?:name: )?"([^"]+)"/.exec(message)?.[1];
  return answer.fault(message === '' ? type : `${type}: ${message}`, {
    ...(code === undefined ? {} : { code }),
    ...(type === 'RETRIABLE_ERROR' ? { uncertain: false } : {}),
    ...(column === undefined ? {} : { column }),
    ...(suggestion === undefined ? {} : { suggestion }),
  });
}

/** Three shapes: {error: {type, message}}, {error: {type}}, {error: "TYPE"}; and a list of them. */
function readError(answer: HttpAnswer): { readonly type: string; readonly message: string } | undefined {
  const one = z.object({ type: z.string(), message: z.string().default('') });
  const bare = z.string().transform((type) => ({ type, message: '' }));
  const listed = z
    .object({ error: z.string(), message: z.string().default('') })
    .transform(({ error: type, message }) => ({ type, message }));
  try {
    const body = answer.json();
    return (
      z.object({ error: z.union([one, bare]) }).safeParse(body).data?.error ??
      z.object({ errors: z.array(listed).min(1) }).safeParse(body).data?.errors[0]
    );
  } catch {
    return undefined;
  }
}
