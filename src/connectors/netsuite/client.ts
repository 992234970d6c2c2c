import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Fault, FaultCode } from '../../model/fault.ts';
import type { HttpAnswer, HttpRequest } from '../../runtime/http-client.ts';
import type { Memory } from '../../runtime/memory.ts';
import type { Session } from '../connector.ts';
import { baseOf, realmOf, secretOf, type MachineSecret, type NetsuiteSettings } from './settings.ts';
import { clientAssertion, tokenHeader } from './signing.ts';

const refusal = z.object({
  'o:errorDetails': z
    .array(z.object({ detail: z.string(), 'o:errorCode': z.string().optional(), 'o:errorPath': z.string().optional() }))
    .min(1),
});

const rows = z.object({
  count: z.int(),
  hasMore: z.boolean(),
  items: z.array(z.record(z.string(), z.unknown())),
  offset: z.int(),
  totalResults: z.int(),
});

const granted = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() });
const kept = z.object({ token: z.string(), expires: z.number() });

const TOKEN = 'access_token';
const MINUTE = 60_000;

/** Asks NetSuite anything, authenticated, and turns refusals into faults. */
export interface NetsuiteClient {
  readonly memory: Memory;
  send(path: string, request: Omit<HttpRequest, 'url'>): Promise<HttpAnswer>;
  /** The first rows of a query, which must be ordered: never a later offset, because rows move. */
  query(q: string, limit: number): Promise<z.infer<typeof rows>>;
  json<Schema extends z.ZodType>(schema: Schema, path: string, accept?: string): Promise<z.infer<Schema>>;
}

export function createNetsuiteClient(session: Session<NetsuiteSettings>): NetsuiteClient {
  const { settings, http, now } = session;
  const base = baseOf(settings);
  const secret = secretOf(session.secret);

  const obtain = async (machine: MachineSecret): Promise<string> => {
    const url = `${base}/services/rest/auth/oauth2/v1/token`;
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: clientAssertion(machine, url, Math.floor(now() / 1000)),
    });
    const answer = await http.send({
      method: 'POST',
      url,
      safe: true,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    });
    if (answer.status === 400 || answer.status === 401) throw notGranted(answer);
    if (answer.status !== 200) throw answer.fault();
    const { access_token: token, expires_in: seconds } = checked(granted, answer);
    await session.tokens.store(TOKEN, JSON.stringify({ token, expires: now() + seconds * 1000 }));
    return token;
  };

  const bearer = async (machine: MachineSecret): Promise<{ token: string; fresh: boolean }> => {
    const text = await session.tokens.load(TOKEN);
    const known = text === null ? undefined : kept.safeParse(readJson(text)).data;
    if (known !== undefined && known.expires - MINUTE > now()) return { token: known.token, fresh: false };
    return { token: await obtain(machine), fresh: true };
  };

  const send: NetsuiteClient['send'] = async (path, request) => {
    const url = base + path;
    const ask = (authorization: string): Promise<HttpAnswer> =>
      http.send({ ...request, url, headers: { ...request.headers, authorization } });
    let answer: HttpAnswer;
    if ('client_id' in secret) {
      const { token, fresh } = await bearer(secret);
      answer = await ask(`Bearer ${token}`);
      // A token can be withdrawn before it expires. Asked once more only: five failures lock the user out.
      if (answer.status === 401 && !fresh) answer = await ask(`Bearer ${await obtain(secret)}`);
    } else {
      const timestamp = Math.floor(now() / 1000);
      const nonce = randomBytes(16).toString('hex');
      answer = await ask(
        tokenHeader(secret, { method: request.method, url, realm: realmOf(settings), nonce, timestamp }),
      );
    }
    if (answer.status >= 300) throw refused(answer);
    return answer;
  };

  return {
    memory: session.memory,
    send,
    query: async (q, limit) => {
      const answer = await send(`/services/rest/query/v1/suiteql?limit=${String(limit)}&offset=0`, {
        method: 'POST',
        safe: true,
        headers: { prefer: 'transient', accept: 'application/json' },
        json: { q },
      });
      const found = checked(rows, answer);
      const { items, count, hasMore, offset, totalResults } = found;
      const whole = hasMore ? count === limit && totalResults > count : totalResults === count;
      if (items.length !== count || offset !== 0 || !whole) {
        throw answer.fault(
          `it shows ${String(items.length)} rows, says ${String(count)} of ${String(totalResults)} and that ${hasMore ? 'more' : 'none'} follow`,
          { code: 'BAD_RESPONSE' },
        );
      }
      return found;
    },
    json: async (schema, path, accept = 'application/json') =>
      checked(schema, await send(path, { method: 'GET', headers: { accept } })),
  };
}

function checked<Schema extends z.ZodType>(schema: Schema, answer: HttpAnswer): z.infer<Schema> {
  const parsed = schema.safeParse(answer.json());
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join('.') ?? '';
  throw answer.fault(`the answer has an unexpected shape at "${where}"`, { code: 'BAD_RESPONSE' });
}

const GRANTS: Readonly<Record<string, string>> = {
  invalid_client: 'Check the client id, the certificate id and the private key; the certificate may have expired.',
  invalid_grant: 'Check the entity and role of the mapping under Setup > Integration > OAuth 2.0 Client Credentials.',
  unsupported_grant_type: 'Tick Client Credentials (Machine to Machine) on the integration record.',
  invalid_scope: 'Tick REST Web Services on the integration record.',
  invalid_request: 'Check the clock of the machine that Tideway runs on.',
};

function notGranted(answer: HttpAnswer): Fault {
  const error = z.object({ error: z.string() }).safeParse(readJson(answer.text())).data?.error ?? 'no reason given';
  return answer.fault(`no access token is given (${error})`, {
    code: 'AUTH_REVOKED',
    suggestion: GRANTS[error] ?? 'Look at the Login Audit Trail in NetSuite.',
  });
}

/** An error without NetSuite's own words (a proxy's page) is judged by its status alone. */
function refused(answer: HttpAnswer): Fault {
  const details = refusal.safeParse(readJson(answer.text())).data?.['o:errorDetails'];
  const [first] = details ?? [];
  const wait = answer.status === 429 && answer.headers['retry-after'] === undefined ? { retryAfter: 2000 } : {};
  if (details === undefined || first === undefined) return answer.fault(undefined, wait);
  const text = details.map(({ detail }) => detail.replace(/\.$/, '')).join('; ');
  const { code, suggestion } = meaning(answer.status, first['o:errorCode'] ?? '', text);
  const column = first['o:errorPath'] ?? /Please enter value\(s\) for: ([\w ]+)/.exec(text)?.[1];
  return answer.fault(text, {
    ...wait,
    ...(code === undefined ? {} : { code }),
    ...(suggestion === undefined ? {} : { suggestion }),
    ...(column === undefined ? {} : { column }),
  });
}

function meaning(status: number, code: string, text: string): { code?: FaultCode; suggestion?: string } {
  if (status === 401) return { code: 'AUTH_EXPIRED', suggestion: 'Look at the Login Audit Trail in NetSuite.' };
  if (status === 404 && code === 'NONEXISTENT_ID') {
    return { code: /^Record type/.test(text) ? 'TABLE_MISSING' : 'NOT_FOUND' };
  }
  if (status !== 400) return {};
  if (/does not have permission/.test(text)) {
    return {
      code: 'PERMISSION_DENIED',
      suggestion:
        'Give the integration’s role the permission for this record; queries also need SuiteAnalytics Workbook (under Reports, level Edit).',
    };
  }
  if (/Record '\w+' was not found|Invalid search type/.test(text)) {
    return {
      code: 'TABLE_MISSING',
      suggestion:
        'The record does not exist, its feature is off, or the role may not see it: NetSuite does not say which.',
    };
  }
  if (/Unknown identifier|Field '\w+' for record/.test(text)) {
    return {
      code: 'MAPPING_FIELD_MISSING',
      suggestion: 'Discover the connection again and map a column that it lists.',
    };
  }
  if (/already exists/.test(text)) return { code: 'DUPLICATE_REMOTE' };
  if (/Transaction type specified is incorrect/.test(text)) return { code: 'NOT_FOUND' };
  if (/Record has been changed|RCRD_HAS_BEEN_CHANGED/.test(text)) return { code: 'CONFLICT' };
  if (/enter value\(s\) for|must enter a value|Invalid Field Value/i.test(text) || code === 'INVALID_CONTENT') {
    return { code: 'VALUE_REFUSED' };
  }
  return {};
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
