import { z } from 'zod';
import type { Fault, FaultCode } from '../../model/fault.ts';
import type { HttpAnswer, HttpRequest } from '../../runtime/http-client.ts';
import type { Session } from '../connector.ts';
import { parsedObject } from '../parsed-object.ts';
import type { PlainSettings } from './settings.ts';

const record = z.object({
  id: z.string(),
  version: z.int(),
  modified_at: z.string(),
  values: parsedObject,
});

const refusal = z.object({ code: z.string(), message: z.string(), column: z.string().optional() });

const answers = {
  account: z.object({ id: z.string(), title: z.string() }),
  tables: z.object({
    tables: z.array(
      z.object({
        id: z.string(),
        title: z.string(),
        columns: z.array(
          z.object({
            id: z.string(),
            title: z.string(),
            type: z.string(),
            writable: z.boolean(),
            required: z.boolean(),
          }),
        ),
      }),
    ),
  }),
  list: z.object({ records: z.array(record), total: z.int(), now: z.string(), next: z.string().optional() }),
  read: z.object({ records: z.array(record), missing: z.array(z.string()) }),
  find: z.object({ records: z.array(record) }),
  write: z.object({
    results: z.array(
      z.union([
        z.object({ error: refusal, current: record.optional() }),
        z.object({ id: z.string(), version: z.int(), record: record.optional() }),
      ]),
    ),
  }),
  webhook: z.object({ id: z.string(), secret: z.string().optional(), expires_at: z.string() }),
};

export type PlainRecord = z.infer<typeof record>;
export type PlainRefusal = z.infer<typeof refusal>;

/** The app's requests, one method each, with answers that were checked. */
export interface PlainClient {
  account(): Promise<z.infer<typeof answers.account>>;
  tables(): Promise<z.infer<typeof answers.tables>>;
  list(table: string, query: URLSearchParams): Promise<z.infer<typeof answers.list>>;
  read(
    table: string,
    body: { ids: readonly string[]; columns: readonly string[] },
  ): Promise<z.infer<typeof answers.read>>;
  find(
    table: string,
    body: { column: string; values: readonly unknown[]; columns: readonly string[] },
  ): Promise<z.infer<typeof answers.find>>;
  write(table: string, rows: readonly unknown[]): Promise<z.infer<typeof answers.write>>;
  webhook(body: unknown): Promise<z.infer<typeof answers.webhook>>;
}

export function createPlainClient({ settings, secret, http }: Session<PlainSettings>): PlainClient {
  const base = settings.base_url.replace(/\/+$/, '');
  const ask = async <Schema extends z.ZodType>(
    schema: Schema,
    path: string,
    request: Omit<HttpRequest, 'url' | 'headers'>,
  ): Promise<z.infer<Schema>> => {
    const answer = await http.send({
      ...request,
      url: base + path,
      headers: { authorization: `Bearer ${secret ?? ''}` },
    });
    if (answer.status >= 300) throw refused(answer);
    const parsed = schema.safeParse(answer.json());
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    throw answer.fault(`the answer has an unexpected shape at "${where}"`, { code: 'BAD_RESPONSE' });
  };
  const records = (table: string): string => `/v1/tables/${encodeURIComponent(table)}/records`;
  return {
    account: () => ask(answers.account, '/v1/account', { method: 'GET' }),
    tables: () => ask(answers.tables, '/v1/tables', { method: 'GET' }),
    list: (table, query) => ask(answers.list, `${records(table)}?${query.toString()}`, { method: 'GET' }),
    read: (table, body) => ask(answers.read, `${records(table)}/read`, { method: 'POST', json: body, safe: true }),
    find: (table, body) => ask(answers.find, `${records(table)}/find`, { method: 'POST', json: body, safe: true }),
    write: (table, rows) => ask(answers.write, `${records(table)}/write`, { method: 'POST', json: { rows } }),
    webhook: (body) => ask(answers.webhook, '/v1/webhooks', { method: 'POST', json: body }),
  };
}

/** What the app's own error codes mean to Tideway. */
const CODES: Readonly<Record<string, FaultCode>> = {
  no_such_table: 'TABLE_MISSING',
  unknown_column: 'MAPPING_FIELD_MISSING',
  wrong_type: 'VALUE_REFUSED',
  required: 'VALUE_REFUSED',
  read_only: 'VALUE_REFUSED',
  too_long: 'VALUE_TOO_LONG',
  no_such_record: 'NOT_FOUND',
  no_such_webhook: 'NOT_FOUND',
  version_mismatch: 'CONFLICT',
  cursor_expired: 'CURSOR_EXPIRED',
  too_many_rows: 'PAYLOAD_TOO_LARGE',
  too_large: 'PAYLOAD_TOO_LARGE',
};

export function codeOf({ code }: PlainRefusal): FaultCode {
  return CODES[code] ?? 'REQUEST_REFUSED';
}

function refused(answer: HttpAnswer): Fault {
  const said = readRefusal(answer);
  if (said === undefined) return answer.fault();
  const code = CODES[said.code];
  return answer.fault(said.message, {
    ...(code === undefined ? {} : { code }),
    ...(said.column === undefined ? {} : { column: said.column }),
  });
}

/** An error without the app's own words (a proxy's page) is judged by its status alone. */
function readRefusal(answer: HttpAnswer): PlainRefusal | undefined {
  try {
    return z.object({ error: refusal }).safeParse(answer.json()).data?.error;
  } catch {
    return undefined;
  }
}
