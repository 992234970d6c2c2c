import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { HttpAnswer } from '../../runtime/http-client.ts';
import type { Session } from '../connector.ts';
import { judge, type OdooError } from './faults.ts';
import type { OdooSettings } from './settings.ts';

/** One call of a model's method. */
interface Call {
  readonly model: string;
  readonly method: string;
  readonly ids?: readonly number[];
  /** By name, in the order of the method's own arguments. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly options?: Readonly<Record<string, unknown>>;
  /** Reading calls; repeating them cannot hurt. */
  readonly safe: boolean;
}

interface Reply {
  readonly result: unknown;
  readonly answer: HttpAnswer;
}

export interface FieldInfo {
  readonly type: string;
  readonly string?: string | undefined;
  readonly required?: boolean | undefined;
  readonly readonly?: boolean | undefined;
  readonly store?: boolean | undefined;
  readonly relation?: string | undefined;
  readonly selection?: readonly (string | false)[] | undefined;
}

const record = z.looseObject({ id: z.int().positive() });
export type OdooRecord = z.infer<typeof record>;

const label = z.union([z.string(), z.literal(false)]);
const flag = z.unknown().transform((value) => Boolean(value));
const shapes = {
  records: z.array(record),
  ids: z.array(z.int().positive()),
  count: z.int().min(0),
  done: z.literal(true),
  user: z.union([z.int().positive(), z.literal(false), z.null()]),
  context: z.looseObject({ uid: z.int().positive() }),
  fields: z.record(
    z.string(),
    z.looseObject({
      type: z.string(),
      string: z.string().optional().catch(undefined),
      required: flag.optional(),
      readonly: flag.optional(),
      store: flag.optional(),
      relation: z.string().optional().catch(undefined),
      selection: z
        .array(z.tuple([label, z.unknown()]).transform(([value]) => value))
        .optional()
        .catch(undefined),
    }),
  ),
};

interface SearchOptions {
  readonly fields: readonly string[];
  readonly limit?: number;
}

/** Odoo's calls, one method each, with answers that were checked. */
export interface OdooClient {
  /** The id of the user whose secret this is, asked of the server. */
  user(): Promise<number>;
  fields(model: string, names?: readonly string[]): Promise<Readonly<Record<string, FieldInfo>>>;
  search(
    model: string,
    domain: readonly unknown[],
    options: SearchOptions,
  ): Promise<{ records: readonly OdooRecord[]; answer: HttpAnswer }>;
  count(model: string, domain: readonly unknown[]): Promise<number>;
  read(model: string, ids: readonly number[], fields: readonly string[]): Promise<readonly OdooRecord[]>;
  create(model: string, rows: readonly unknown[]): Promise<readonly number[]>;
  write(model: string, ids: readonly number[], values: unknown): Promise<void>;
  unlink(model: string, ids: readonly number[]): Promise<void>;
}

/** Milliseconds: pages and batches need not ask for the same fields again and again. */
const FIELDS_LAST = 300_000;

export function createOdooClient(session: Session<OdooSettings>): OdooClient {
  const { settings } = session;
  const base = settings.base_url.replace(/\/+$/, '');
  const send = settings.protocol === 'json_2' ? overJson2(session, base) : overJsonRpc(session, base);

  const reading = {
    lang: settings.language,
    tz: 'UTC',
    active_test: false,
    bin_size: false,
    ...(settings.companies === undefined ? {} : { allowed_company_ids: settings.companies }),
  };
  const writing = settings.quiet
    ? { ...reading, tracking_disable: true, mail_create_nosubscribe: true, mail_notrack: true }
    : reading;

  const ask = async <Schema extends z.ZodType>(
    schema: Schema,
    call: Call,
  ): Promise<{ value: z.infer<Schema>; answer: HttpAnswer }> => {
    const context = call.safe ? reading : writing;
    const { result, answer } = await send.call({ ...call, options: { ...call.options, context } });
    const parsed = schema.safeParse(result);
    if (parsed.success) return { value: parsed.data, answer };
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    throw answer.fault(`the result of ${call.model}.${call.method} has an unexpected shape at "${where}"`, {
      code: 'BAD_RESPONSE',
    });
  };

  return {
    user: () => send.user(),
    fields: async (model, names) => {
      const attributes = ['type', 'string', 'required', 'readonly', 'store', 'relation', 'selection'];
      const call = { model, method: 'fields_get', args: { allfields: names ?? [] }, options: { attributes } };
      const read = async (): Promise<z.infer<typeof shapes.fields>> => {
        try {
          return (await ask(shapes.fields, { ...call, safe: true })).value;
        } catch (error) {
          throw noModel(error, model);
        }
      };
      // Who asks for all is discovering, and wants to see what is there now.
      return names === undefined
        ? read()
        : session.memory.remember(`fields ${model} ${[...names].sort().join()}`, FIELDS_LAST, read);
    },
    search: async (model, domain, { fields, limit }) => {
      const options = { fields, order: 'id asc', ...(limit === undefined ? {} : { limit }) };
      const call = { model, method: 'search_read', args: { domain }, options, safe: true };
      const { value, answer } = await ask(shapes.records, call);
      return { records: value, answer };
    },
    count: async (model, domain) =>
      (await ask(shapes.count, { model, method: 'search_count', args: { domain }, safe: true })).value,
    read: async (model, ids, fields) =>
      (await ask(shapes.records, { model, method: 'read', ids, args: {}, options: { fields }, safe: true })).value,
    create: async (model, rows) => {
      const { value, answer } = await ask(shapes.ids, {
        model,
        method: 'create',
        args: { vals_list: rows },
        safe: false,
      });
      if (value.length === rows.length) return value;
      throw answer.fault(`${String(rows.length)} records were sent and ${String(value.length)} ids came back`, {
        code: 'BAD_RESPONSE',
      });
    },
    write: async (model, ids, vals) => {
      await ask(shapes.done, { model, method: 'write', ids, args: { vals }, safe: false });
    },
    unlink: async (model, ids) => {
      await ask(shapes.done, { model, method: 'unlink', ids, args: {}, safe: false });
    },
  };
}

/** `fields_get` takes any model that exists, so what it refuses does not exist. */
function noModel(error: unknown, model: string): unknown {
  const refused =
    error instanceof Fault && ['VALUE_REFUSED', 'REQUEST_REFUSED', 'NOT_FOUND'].includes(error.facts.code);
  if (!refused || !(error.cause instanceof SaidByOdoo)) return error;
  return new Fault('TABLE_MISSING', `Odoo has no model "${model}": ${error.cause.message}`, {
    suggestion: 'Install the app that brings this model, or map another one.',
  });
}

/** Tells what Odoo itself said from what a proxy or a web page said. */
class SaidByOdoo extends Error {}

interface Door {
  call(call: Call): Promise<Reply>;
  user(): Promise<number>;
}

const errorBody = z.object({ name: z.string(), message: z.string() });

function refusal(answer: HttpAnswer, said: OdooError, safe: boolean): Fault {
  return answer.fault(said.message, { ...judge(said, safe), cause: new SaidByOdoo(said.message) });
}

function overJson2({ settings, secret, http }: Session<OdooSettings>, base: string): Door {
  const call = async ({ model, method, ids, args, options, safe }: Call): Promise<Reply> => {
    const answer = await http.send({
      method: 'POST',
      url: `${base}/json/2/${encodeURIComponent(model)}/${encodeURIComponent(method)}`,
      headers: { authorization: `bearer ${secret ?? ''}`, 'x-odoo-database': settings.database },
      json: { ...(ids === undefined ? {} : { ids }), ...args, ...options },
      safe,
    });
    if (answer.status < 300) return { result: answer.json(), answer };
    const said = answer.status === 429 ? undefined : readError(answer);
    throw said === undefined ? answer.fault() : refusal(answer, said, safe);
  };
  return {
    call,
    user: async () => {
      const { result, answer } = await call({ model: 'res.users', method: 'context_get', args: {}, safe: true });
      const context = shapes.context.safeParse(result);
      if (context.success) return context.data.uid;
      throw answer.fault('the answer does not name the user', { code: 'BAD_RESPONSE' });
    },
  };
}

/** An error without Odoo's own words (a proxy's page) is judged by its status alone. */
function readError(answer: HttpAnswer): OdooError | undefined {
  try {
    return errorBody.safeParse(answer.json()).data;
  } catch {
    return undefined;
  }
}

const envelope = z.union([
  z.object({ jsonrpc: z.literal('2.0'), error: z.object({ message: z.string(), data: errorBody.optional() }) }),
  z.object({ jsonrpc: z.literal('2.0'), result: z.unknown() }),
]);

function overJsonRpc(session: Session<OdooSettings>, base: string): Door {
  const { settings, secret, http, tokens } = session;
  const { database, login = '' } = settings;
  const remembered = `user of ${login} in ${database} at ${base}`;

  const post = async (service: string, method: string, args: readonly unknown[], safe: boolean): Promise<Reply> => {
    const json = { jsonrpc: '2.0', method: 'call', id: 1, params: { service, method, args } };
    const answer = await http.send({ method: 'POST', url: `${base}/jsonrpc`, json, safe });
    if (answer.status >= 300) throw answer.fault();
    const parsed = envelope.safeParse(answer.json());
    if (!parsed.success) throw answer.fault('the answer is not one of JSON-RPC', { code: 'BAD_RESPONSE' });
    if (!('error' in parsed.data)) return { result: parsed.data.result, answer };
    const { data, message } = parsed.data.error;
    throw refusal(answer, data ?? { name: '', message }, safe);
  };

  /** Without a key to seal with nothing can be kept, and the user is asked for every time. */
  const remember = async (uid: number): Promise<void> => {
    try {
      if ((await tokens.load(remembered)) !== String(uid)) await tokens.store(remembered, String(uid));
    } catch (error) {
      if (error instanceof Fault) throw error;
    }
  };

  const user = async (): Promise<number> => {
    if (settings.login === undefined) {
      throw new Fault('SETTINGS_INVALID', 'JSON-RPC needs the login of the user whose password or API key is used.', {
        suggestion: 'Set login, or set protocol to json_2 where the server is Odoo 19 or later.',
      });
    }
    const { result, answer } = await post('common', 'authenticate', [database, login, secret ?? '', {}], true);
    const uid = shapes.user.safeParse(result ?? null);
    if (!uid.success) throw answer.fault('the answer names no user', { code: 'BAD_RESPONSE' });
    if (typeof uid.data === 'number') {
      await remember(uid.data);
      return uid.data;
    }
    throw answer.fault(`the login "${login}" or its secret is not accepted in database "${database}"`, {
      code: 'AUTH_REVOKED',
      suggestion: 'Check login and database, and give the connection a valid password or API key.',
    });
  };

  /** A user's id never changes, and asking for it costs a request. */
  const knownUser = async (): Promise<number> => {
    const known = Number(await tokens.load(remembered));
    return Number.isInteger(known) && known > 0 ? known : user();
  };

  return {
    user,
    call: async ({ model, method, ids, args, options, safe }) => {
      const given = [...(ids === undefined ? [] : [ids]), ...Object.values(args)];
      const uid = await knownUser();
      return post('object', 'execute_kw', [database, uid, secret ?? '', model, method, given, options ?? {}], safe);
    },
  };
}
