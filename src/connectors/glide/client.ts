import { z } from 'zod';
import type { Fault, FaultCode, FaultOptions } from '../../model/fault.ts';
import type { HttpAnswer, HttpRequest } from '../../runtime/http-client.ts';
import type { Session } from '../connector.ts';
import type { GlideSettings } from './settings.ts';

type Ask = Omit<HttpRequest, 'headers'> & { readonly headers?: Readonly<Record<string, string>> };

/** Sends one request with the token; any answer comes back, whatever its status. */
export async function send({ http, secret }: Session<GlideSettings>, request: Ask): Promise<HttpAnswer> {
  return http.send({ ...request, headers: { authorization: `Bearer ${secret ?? ''}`, ...request.headers } });
}

/** Sends one request and checks the answer; a refusal is thrown in Tideway's words. */
export async function ask<Schema extends z.ZodType>(
  session: Session<GlideSettings>,
  schema: Schema,
  request: Ask,
): Promise<{ readonly data: z.infer<Schema>; readonly answer: HttpAnswer }> {
  const answer = await send(session, request);
  if (answer.status >= 300) throw refused(answer);
  return { data: believe(schema, answer), answer };
}

export function believe<Schema extends z.ZodType>(schema: Schema, answer: HttpAnswer): z.infer<Schema> {
  const body = answer.json();
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  // A refusal can come with a good status.
  if (wordsOf(body) !== undefined) throw refused(answer);
  const where = parsed.error.issues[0]?.path.join('.') ?? '';
  throw answer.fault(`the answer has an unexpected shape at "${where}"`, { code: 'BAD_RESPONSE' });
}

const spoken = z.union([
  z.object({ message: z.string() }).transform(({ message }) => ({ type: '', message })),
  z
    .object({ error: z.object({ type: z.string().optional(), message: z.string() }) })
    .transform(({ error }) => ({ type: error.type ?? '', message: error.message })),
  z.object({ error: z.string() }).transform(({ error }) => ({ type: '', message: error })),
]);

interface Words {
  readonly type: string;
  readonly message: string;
}

function wordsOf(body: unknown): Words | undefined {
  return spoken.safeParse(body).data;
}

/** The app's own words; a proxy's page has none. */
export function readWords(answer: HttpAnswer): Words | undefined {
  try {
    return wordsOf(answer.json());
  } catch {
    return undefined;
  }
}

const BY_TYPE: Readonly<Record<string, FaultCode>> = {
  table_not_found: 'TABLE_MISSING',
  table_not_big_table: 'TABLE_MISSING',
  row_not_found: 'NOT_FOUND',
  job_not_found: 'NOT_FOUND',
  payment_required: 'QUOTA_EXHAUSTED',
  precondition_failed: 'CONFLICT',
  column_id_not_found: 'MAPPING_FIELD_MISSING',
  column_has_invalid_value: 'VALUE_REFUSED',
  column_id_reserved: 'VALUE_REFUSED',
  column_id_not_unique: 'VALUE_REFUSED',
};

const BY_WORDS: readonly (readonly [RegExp, FaultCode])[] = [
  // A bad token looks like something that is not there, not like a 401.
  [/api key not found/i, 'AUTH_REVOKED'],
  [/app not found/i, 'SETTINGS_INVALID'],
  [/table not found/i, 'TABLE_MISSING'],
  [/more than \d+ mutations/i, 'PAYLOAD_TOO_LARGE'],
  [/unknown column/i, 'MAPPING_FIELD_MISSING'],
  [/invalid value/i, 'VALUE_REFUSED'],
];

const MENDS: Partial<Record<FaultCode, string>> = {
  AUTH_REVOKED: 'Copy the token again in Glide (Data, Show API) and give it to the connection.',
  SETTINGS_INVALID: 'Compare app_id with the id under Data, Show API.',
  QUOTA_EXHAUSTED: 'Look at the plan’s updates in Glide; reading needs a Business or Enterprise plan.',
  TABLE_MISSING: 'Discover the tables again. Mode v2 reaches Big Tables only; the others need mode classic.',
};

/** What a refusal in Glide's words means to Tideway, and the column it names. */
export function codeOfWords({ type, message }: Words): { code?: FaultCode; column?: string; suggestion?: string } {
  const code = BY_TYPE[type] ?? BY_WORDS.find(([words]) => words.test(message))?.[1];
  const column = /column(?: id)? '([^']+)'/i.exec(message)?.[1];
  const suggestion = code === undefined ? undefined : MENDS[code];
  return {
    ...(code === undefined ? {} : { code }),
    ...(column === undefined ? {} : { column }),
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}

export function refused(answer: HttpAnswer): Fault {
  const words = readWords(answer);
  if (answer.status === 402) {
    return answer.fault(words?.message, { code: 'QUOTA_EXHAUSTED', suggestion: MENDS.QUOTA_EXHAUSTED ?? '' });
  }
  if (words === undefined) return answer.fault();
  const options: FaultOptions & { code?: FaultCode } = codeOfWords(words);
  // The status of a server's own failure, or of throttling, weighs more than its words.
  if (answer.status === 429 || answer.status >= 500) return answer.fault(words.message);
  if (answer.status < 300 && options.code === undefined) {
    return answer.fault(words.message, { ...options, code: 'BAD_RESPONSE' });
  }
  return answer.fault(words.message, options);
}
