import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PlainFault } from '../plain/plain-faults.ts';
import { accessError, OdooException, userError } from './odoo-exception.ts';
import type { OdooModel } from './odoo-fields.ts';
import { OdooStore, type Env, type OdooJournalEntry, type OdooRow, type Values } from './odoo-store.ts';
import { encodeFault, encodeResult, parseCall } from './odoo-xmlrpc.ts';

interface OdooUser {
  readonly id: number;
  readonly login: string;
  readonly password: string;
  readonly apiKeys?: readonly string[];
}

export interface OdooAppOptions {
  /** 0 or absent: any free port of the loopback interface. */
  readonly port?: number;
  readonly database: string;
  readonly users: readonly OdooUser[];
  readonly models: readonly OdooModel[];
  readonly version?: 14 | 16 | 19;
  /** The server's clock, milliseconds; it stamps write dates and the Date header. */
  readonly now?: () => number;
}

/** What a person, or a module of the server itself, does without the API. */
type OdooEdit = (
  | { readonly op: 'create'; readonly values: Values }
  | { readonly op: 'update'; readonly id: number; readonly values: Values }
  | { readonly op: 'delete'; readonly id: number }
) & {
  /** When the transaction that is committed now began; its rows carry this as their write date. */
  readonly began?: number;
};

interface OdooFaultScript {
  /** The method that fails; without it any that is neither `authenticate` nor `fields_get`. */
  readonly method?: string;
  readonly count?: number;
  readonly after?: number;
  readonly with: PlainFault | { readonly kind: 'exception'; readonly name: string; readonly message: string };
}

/** A running stand-in of an Odoo server. */
export interface OdooApp {
  readonly url: string;
  journal(): readonly OdooJournalEntry[];
  records(model: string): readonly OdooRow[];
  edit(model: string, edit: OdooEdit): number;
  fail(script: OdooFaultScript): void;
  /** A record rule keeps this record from the API's users. */
  bar(model: string, id: number): void;
  /** The API's users may not read this model. */
  deny(model: string): void;
  /** Nothing that was a secret is one any more. */
  revokeSecrets(): void;
  /** Calls that arrived, as `protocol model.method`. */
  calls(): readonly string[];
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A call, whatever protocol it came by. */
interface Call {
  readonly model: string;
  readonly method: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly user: number;
}

/** The parameters of the methods that the stand-in knows, by name and in order. */
const METHODS: Readonly<
  Record<string, { readonly ids: boolean; readonly names: readonly string[]; readonly needs: number }>
> = {
  create: { ids: false, names: ['vals_list'], needs: 1 },
  write: { ids: true, names: ['vals'], needs: 1 },
  unlink: { ids: true, names: [], needs: 0 },
  read: { ids: true, names: ['fields', 'load'], needs: 0 },
  search: { ids: false, names: ['domain', 'offset', 'limit', 'order'], needs: 1 },
  search_read: { ids: false, names: ['domain', 'fields', 'offset', 'limit', 'order'], needs: 0 },
  search_count: { ids: false, names: ['domain', 'limit'], needs: 1 },
  fields_get: { ids: false, names: ['allfields', 'attributes'], needs: 0 },
  context_get: { ids: false, names: [], needs: 0 },
};

const unprocessable = (message: string): OdooException =>
  new OdooException('werkzeug.exceptions.UnprocessableEntity', message, 422);
const notFound = (message: string): OdooException => new OdooException('werkzeug.exceptions.NotFound', message, 404);

/** A strict stand-in of Odoo 14, 16 or 19: XML-RPC, JSON-RPC and (19) JSON-2 over one store. */
export async function startOdooApp(options: OdooAppOptions): Promise<OdooApp> {
  const { database, version = 19, now = Date.now } = options;
  const store = new OdooStore({ models: options.models, version });
  const calls: string[] = [];
  const scripts: { readonly script: OdooFaultScript; passed: number; left: number }[] = [];
  let users = options.users;

  const opens = ({ password, apiKeys = [] }: OdooUser, secret: unknown): boolean =>
    typeof secret === 'string' && (password === secret || apiKeys.includes(secret));

  const perform = ({ model, method, args, kwargs, user }: Call, named: boolean): unknown => {
    if (!store.has(model) && !(model === 'res.users' && method === 'context_get')) {
      throw named ? notFound(`the model '${model}' does not exist`) : userError(`Object ${model} doesn't exist`);
    }
    if (method.startsWith('_')) {
      throw accessError(`Private methods (such as '${model}.${method}') cannot be called remotely.`);
    }
    const known = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
    if (known === undefined) {
      const message = `The method '${model}.${method}' does not exist`;
      throw named ? notFound(message) : new OdooException('builtins.AttributeError', message);
    }
    const { context = {}, ids: namedIds, ...rest } = kwargs;
    const positional = [...args];
    if (named && namedIds !== undefined && !known.ids) throw unprocessable(`cannot call ${model}.${method} with ids`);
    const ids = known.ids ? (named ? (namedIds ?? []) : positional.shift()) : [];
    const given: Record<string, unknown> = { ...rest };
    const wrong = Object.keys(rest).find((name) => !known.names.includes(name));
    if (wrong !== undefined) {
      throw named
        ? unprocessable(`got an unexpected keyword argument '${wrong}'`)
        : new OdooException('builtins.TypeError', `${method}() got an unexpected keyword argument '${wrong}'`);
    }
    if (positional.length > known.names.length) {
      throw new OdooException('builtins.TypeError', `${method}() takes fewer arguments than were given`);
    }
    positional.forEach((value, index) => (given[known.names[index] ?? ''] = value));
    const missing = known.names.slice(0, known.needs).find((name) => !(name in given));
    if (missing !== undefined) {
      throw named
        ? unprocessable(`missing a required argument: '${missing}'`)
        : new OdooException('builtins.TypeError', `${method}() missing 1 required positional argument: '${missing}'`);
    }
    const env: Env = { user, actor: 'api', context: context as Values, time: now() };
    return store.transaction(() => run(model, method, idsOf(ids), given, env, named));
  };

  const run = (
    model: string,
    method: string,
    ids: readonly number[],
    given: Readonly<Record<string, unknown>>,
    env: Env,
    named: boolean,
  ): unknown => {
    const fields = given['fields'] as readonly string[] | undefined;
    const names = Array.isArray(fields) && fields.length > 0 ? (fields as readonly string[]) : undefined;
    const domain = (given['domain'] ?? []) as readonly unknown[];
    const paging = { offset: given['offset'], limit: given['limit'], order: given['order'] } as Parameters<
      OdooStore['search']
    >[3];
    switch (method) {
      case 'create': {
        const list = given['vals_list'];
        const made = store.create(model, env, Array.isArray(list) ? (list as Values[]) : [list as Values]);
        return Array.isArray(list) || named ? made : made[0];
      }
      case 'write':
        return store.write(model, env, ids, given['vals'] as Values);
      case 'unlink':
        return store.unlink(model, env, ids);
      case 'read':
        return store.read(model, env, ids, names, given['load']);
      case 'search':
        return store.search(model, env, domain, paging);
      case 'search_read':
        return store.read(model, env, store.search(model, env, domain, paging), names, undefined);
      case 'search_count':
        return store.search(model, env, domain, {}).length;
      case 'fields_get':
        return store.fieldsGet(model, listOf(given['allfields']), listOf(given['attributes']));
      default:
        return { lang: 'en_US', tz: false, uid: env.user };
    }
  };

  /** The services that JSON-RPC and XML-RPC share. */
  const service = (name: string, method: string, args: readonly unknown[]): unknown => {
    if (name === 'common' && method === 'version') {
      const serie = `${String(version)}.0`;
      return {
        server_version: serie,
        server_version_info: [version, 0, 0, 'final', 0, ''],
        server_serie: serie,
        protocol_version: 1,
      };
    }
    if (name === 'db' && method === 'list') return [database];
    const [db, who, secret, ...rest] = args;
    if (db !== database) {
      throw new OdooException('psycopg2.OperationalError', `FATAL:  database "${String(db)}" does not exist\n`);
    }
    if (name === 'common' && (method === 'authenticate' || method === 'login')) {
      return users.find((user) => user.login === who && opens(user, secret))?.id ?? false;
    }
    if (name !== 'object' || (method !== 'execute_kw' && method !== 'execute')) {
      throw new OdooException('builtins.Exception', `Method not found: ${method}`);
    }
    const user = users.find(({ id }) => id === who);
    if (user === undefined || !opens(user, secret)) {
      throw new OdooException('odoo.exceptions.AccessDenied', 'Access Denied');
    }
    const [model, called, given, kwargs] = rest;
    return method === 'execute'
      ? perform({ model: String(model), method: String(called), args: rest.slice(2), kwargs: {}, user: user.id }, false)
      : perform(
          {
            model: String(model),
            method: String(called),
            args: (given ?? []) as unknown[],
            kwargs: (kwargs ?? {}) as Record<string, unknown>,
            user: user.id,
          },
          false,
        );
  };

  const json = (status: number, body: unknown, headers?: Record<string, string>): Answer => ({
    status,
    type: 'application/json; charset=utf-8',
    body: JSON.stringify(body),
    ...(headers ? { headers } : {}),
  });
  const html = (status: number, title: string, text: string): Answer => ({
    status,
    type: 'text/html; charset=utf-8',
    body: `<!doctype html>\n<html lang=en>\n<title>${String(status)} ${title}</title>\n<h1>${title}</h1>\n<p>${text}</p>\n`,
  });
  const exceptionBody = ({ pythonName, message, status }: OdooException) => ({
    name: pythonName,
    message,
    arguments: status === undefined ? [message] : [message, status],
    context: {},
    debug: 'Traceback (most recent call last):\n  …\n',
  });

  const jsonRpc = (method: string, type: string, text: string, scripted: OdooException | undefined): Answer => {
    if (method !== 'POST' || !type.startsWith('application/json')) {
      return version >= 19
        ? html(415, 'Unsupported Media Type', 'Please verify the Content-Type request header and try again.')
        : html(400, 'Bad Request', 'Function declared as capable of handling request of type json.');
    }
    const body = parseJson(text);
    if (body === undefined) return { ...html(400, 'Bad Request', 'x'), type: 'text/plain', body: 'Invalid JSON data' };
    const { id, params, method: named } = body as { id?: unknown; params?: Record<string, unknown>; method?: unknown };
    if (named === undefined || params === undefined) return html(400, 'Bad Request', 'Invalid JSON-RPC data');
    try {
      if (scripted) throw scripted;
      const args = (params['args'] ?? []) as unknown[];
      const result = service(String(params['service']), String(params['method']), args);
      return json(200, { jsonrpc: '2.0', id: id ?? null, ...(result === undefined ? {} : { result }) });
    } catch (error) {
      const raised = raisedBy(error);
      const body2 = { code: version >= 19 ? 0 : 200, message: 'Odoo Server Error', data: exceptionBody(raised) };
      return json(200, { jsonrpc: '2.0', id: id ?? null, error: body2 });
    }
  };

  const xmlRpc = (name: string, text: string, scripted: OdooException | undefined): Answer => {
    const xml = (body: string): Answer => ({ status: 200, type: 'text/xml; charset=utf-8', body });
    try {
      if (scripted) throw scripted;
      const { method, params } = parseCall(text);
      return xml(encodeResult(service(name, method, params)));
    } catch (error) {
      const { pythonName, message } = raisedBy(error);
      const kinds: Readonly<Record<string, number>> = {
        AccessDenied: 3,
        AccessError: 4,
        UserError: 2,
        ValidationError: 2,
      };
      const kind = pythonName.split('.').at(-1) ?? '';
      return xml(encodeFault(kind === 'MissingError' || kind === 'RedirectWarning' ? 2 : (kinds[kind] ?? 1), message));
    }
  };

  const json2 = (request: IncomingMessage, path: string, text: string, scripted: OdooException | undefined): Answer => {
    const refuse = (error: OdooException, headers?: Record<string, string>): Answer =>
      json(statusOf(error), exceptionBody(error), headers);
    if (request.method !== 'POST') return refuse(notFound('Did you mean POST /json/2/<model>/<method>?'));
    if (!request.headers['content-type']?.startsWith('application/json')) {
      return html(415, 'Unsupported Media Type', 'Please verify the Content-Type request header and try again.');
    }
    const named = request.headers['x-odoo-database'];
    if (named !== undefined && named !== database) {
      return html(404, 'Not Found', 'No database is selected and the requested URL was not found.');
    }
    const key = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const unauthorized = (message: string): Answer =>
      refuse(new OdooException('werkzeug.exceptions.Unauthorized', message, 401), { 'www-authenticate': 'Bearer' });
    if (key === undefined) {
      return unauthorized('User not authenticated, use an API Key with a Bearer Authorization header.');
    }
    // A password is no key.
    const user = users.find(({ apiKeys = [] }) => apiKeys.includes(key));
    if (user === undefined) return unauthorized('Invalid apikey');
    const body = parseJson(text);
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      return refuse(new OdooException('werkzeug.exceptions.BadRequest', 'could not parse the body as json: …', 400));
    }
    const [, , , model = '', method = ''] = path.split('/');
    try {
      if (scripted) throw scripted;
      const kwargs = body as Record<string, unknown>;
      return json(200, perform({ model, method, args: [], kwargs, user: user.id }, true) ?? null);
    } catch (error) {
      return refuse(raisedBy(error));
    }
  };

  const serve = (request: IncomingMessage, text: string, scripted: OdooException | undefined): Answer => {
    const path = new URL(request.url ?? '/', 'http://odoo').pathname;
    const xml = /^\/xmlrpc\/2\/(common|object|db)$/.exec(path)?.[1];
    if (path === '/jsonrpc')
      return jsonRpc(request.method ?? '', request.headers['content-type'] ?? '', text, scripted);
    if (xml !== undefined && request.method === 'POST') return xmlRpc(xml, text, scripted);
    if (version >= 19 && path.startsWith('/json/2/')) return json2(request, path, text, scripted);
    if (version >= 19 && (path === '/web/version' || path === '/json/version')) {
      return json(200, { version_info: [version, 0, 0, 'final', 0, ''], version: `${String(version)}.0` });
    }
    if (version >= 16 && path === '/web/health') return json(200, { status: 'pass' });
    return html(404, 'Not Found', 'The requested URL was not found on the server.');
  };

  const take = (method: string): OdooFaultScript['with'] | undefined => {
    for (const entry of scripts) {
      const { script } = entry;
      const meant =
        script.method === undefined
          ? !['authenticate', 'fields_get', 'context_get', 'version'].includes(method)
          : script.method === method;
      if (!meant || entry.left === 0) continue;
      if (entry.passed < (script.after ?? 0)) {
        entry.passed += 1;
        continue;
      }
      entry.left -= 1;
      return script.with;
    }
    return undefined;
  };

  const respond = (response: ServerResponse, { status, type, body, headers }: Answer): void => {
    response.writeHead(status, { 'content-type': type, date: new Date(now()).toUTCString(), ...headers });
    response.end(body);
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const { label, method } = nameOf(request.url ?? '', text);
    calls.push(label);
    const fault = take(method);
    const effect = (): Answer => serve(request, text, undefined);
    switch (fault?.kind) {
      case undefined:
        respond(response, effect());
        return;
      case 'exception':
        respond(response, serve(request, text, new OdooException(fault.name, fault.message)));
        return;
      case 'status':
        if (fault.applied) effect();
        response.writeHead(fault.status, { 'content-type': 'text/html', ...fault.headers });
        response.end(fault.body ?? '<html>A scripted failure.</html>');
        return;
      case 'drop_answer':
        effect();
        request.socket.resetAndDestroy();
        return;
      case 'truncate': {
        const { body, type } = effect();
        const half = body.slice(0, Math.floor(body.length / 2));
        const length = fault.clean ? half.length : body.length;
        response.writeHead(200, { 'content-type': type, 'content-length': String(length) });
        response.write(half, () => {
          if (fault.clean) response.end();
          else request.socket.destroy();
        });
        return;
      }
      case 'hang':
        if (fault.applied) effect();
        return;
      case 'body':
        response.writeHead(200, { 'content-type': fault.contentType });
        response.end(fault.body);
        return;
      case 'delay':
        await new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
        respond(response, effect());
        return;
      case 'late':
      case 'reset':
        request.socket.resetAndDestroy();
    }
  };

  const server = createServer((request, response) => {
    handle(request, response).catch(() => {
      request.socket.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });

  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    journal: () => store.journal,
    records: (model) => store.rows(model),
    edit: (model, edit) => {
      const env: Env = { user: 1, actor: 'person', context: {}, time: edit.began ?? now() };
      return store.transaction(() => {
        if (edit.op === 'create') return store.create(model, env, [edit.values])[0] ?? 0;
        if (edit.op === 'update') store.write(model, env, [edit.id], edit.values);
        else store.unlink(model, env, [edit.id]);
        return edit.id;
      });
    },
    fail: (script) => {
      scripts.push({ script, passed: 0, left: script.count ?? 1 });
    },
    bar: (model, id) => {
      store.barred.add(`${model},${String(id)}`);
    },
    deny: (model) => {
      store.deniedModels.add(model);
    },
    revokeSecrets: () => {
      users = [];
    },
    calls: () => calls,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function raisedBy(error: unknown): OdooException {
  if (error instanceof OdooException) return error;
  return new OdooException('builtins.TypeError', error instanceof Error ? error.message : String(error));
}

const STATUSES: Readonly<Record<string, number>> = {
  AccessDenied: 401,
  AccessError: 403,
  MissingError: 404,
  LockError: 409,
  UserError: 422,
  ValidationError: 422,
};

function statusOf({ pythonName, status }: OdooException): number {
  return status ?? STATUSES[pythonName.split('.').at(-1) ?? ''] ?? 500;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What is called, without minding whether it will be allowed. */
function nameOf(url: string, text: string): { label: string; method: string } {
  const [, , version, model = '', method = ''] = url.split('/');
  if (url.startsWith('/json/2/')) return { label: `json2 ${model}.${method}`, method };
  if (url.startsWith('/xmlrpc/')) {
    const { method: called, params } = (() => {
      try {
        return parseCall(text);
      } catch {
        return { method: '', params: [] };
      }
    })();
    const inner = called.startsWith('execute') ? String(params[4]) : called;
    return { label: `xmlrpc ${String(version)} ${inner}`, method: inner };
  }
  const { params } = (parseJson(text) ?? {}) as { params?: { service?: string; method?: string; args?: unknown[] } };
  if (params?.service !== 'object')
    return { label: `jsonrpc ${params?.service ?? ''}.${params?.method ?? ''}`, method: params?.method ?? '' };
  const [inModel, called] = [String(params.args?.[3]), String(params.args?.[4])];
  return { label: `jsonrpc ${inModel}.${called}`, method: called };
}

function idsOf(value: unknown): number[] {
  return Array.isArray(value) ? (value as number[]) : typeof value === 'number' ? [value] : [];
}

function listOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? (value as string[]) : undefined;
}
