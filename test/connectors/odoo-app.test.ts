import { readFileSync } from 'node:fs';
import OdooAwait from 'odoo-await';
import { afterEach, describe, expect, test } from 'vitest';
import xmlrpc from 'xmlrpc';
import type { OdooApp, OdooAppOptions } from '../apps/odoo/odoo-app.ts';
import { ODOO_BOT, ODOO_KEY, ODOO_PASSWORD, startPartners } from './odoo-rig.ts';

const running: OdooApp[] = [];

async function start(options: Partial<OdooAppOptions> = {}): Promise<OdooApp> {
  const app = await startPartners(options);
  running.push(app);
  return app;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.stop()));
});

describe('odoo-await, an independent client,', () => {
  const connect = async (app: OdooApp, password: string): Promise<OdooAwait> => {
    const client = new OdooAwait({ baseUrl: app.url, db: 't19', username: 'bot', password });
    await client.connect();
    return client;
  };

  test.for([14, 16, 19] as const)('creates, reads, finds, changes and deletes in version %i', async (version) => {
    const app = await start({ version });
    const client = await connect(app, ODOO_PASSWORD);
    const id = await client.create('res.partner', { name: 'Ümläut & <Söhne>', credit_limit: 1.5, is_company: true });
    expect(await client.read('res.partner', id, ['name', 'credit_limit', 'is_company', 'phone', 'country_id'])).toEqual(
      [{ id, name: 'Ümläut & <Söhne>', credit_limit: 1.5, is_company: true, phone: false, country_id: false }],
    );
    expect(await client.update('res.partner', id, { phone: '1' })).toBe(true);
    const found = await client.searchRead<{ phone: string }>('res.partner', [['id', '=', id]], ['phone']);
    expect(found).toEqual([{ id, phone: '1' }]);
    expect(await client.delete('res.partner', id)).toBe(true);
    expect(await client.search('res.partner', [])).toEqual([]);
    expect(app.journal().map(({ actor, op }) => [actor, op])).toEqual([
      ['api', 'create'],
      ['api', 'update'],
      ['api', 'delete'],
    ]);
  });

  test('finds a record by its external id', async () => {
    const client = await connect(await start(), ODOO_KEY);
    const id = await client.create('res.partner', { name: 'Known' });
    await client.createExternalId('res.partner', id, 'known_1', 'shop');
    expect(await client.searchByExternalId('known_1')).toBe(id);
  });

  test('is told of faults', async () => {
    const app = await start();
    await expect(connect(app, 'wrong')).rejects.toThrow();
    const client = await connect(app, ODOO_PASSWORD);
    await expect(client.read('no.model', 1)).rejects.toThrow("Object no.model doesn't exist");
    await expect(client.create('res.partner', { email: 'nobody@example.com' })).rejects.toThrow(
      'Contacts require a name',
    );
    expect(app.journal()).toEqual([]);
  });
});

test('the package xmlrpc gets the fault codes', async () => {
  const app = await start();
  const call = (path: string, method: string, params: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(app.url);
      xmlrpc.createClient({ host: hostname, port: Number(port), path }).methodCall(method, params, (error, value) => {
        if (error) reject(error);
        else resolve(value);
      });
    });
  expect(await call('/xmlrpc/2/common', 'version', [])).toMatchObject({ protocol_version: 1 });
  expect(await call('/xmlrpc/2/common', 'authenticate', ['t19', 'bot', 'no', {}])).toBe(false);
  const execute = (secret: string, ...rest: unknown[]): Promise<unknown> =>
    call('/xmlrpc/2/object', 'execute_kw', ['t19', ODOO_BOT.id, secret, ...rest]);
  await expect(execute('no', 'res.partner', 'search', [[]])).rejects.toMatchObject({ faultCode: 3 });
  await expect(execute(ODOO_KEY, 'res.partner', 'write', [[99], { color: 1 }])).rejects.toMatchObject({ faultCode: 2 });
  await expect(execute(ODOO_KEY, 'res.partner', '_search', [[]])).rejects.toMatchObject({ faultCode: 4 });
  await expect(execute(ODOO_KEY, 'res.partner', 'nope', [[]])).rejects.toMatchObject({ faultCode: 1 });
});

interface Recorded {
  readonly case: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Record<string, string>;
    readonly body: unknown;
  };
  readonly response: { readonly status: number; readonly body: unknown };
}

/** What a real server of each version said to these very requests. */
describe.for([
  [14, 13],
  [16, 13],
  [19, 3050],
] as const)('recorded answers of Odoo %i', ([version, first]) => {
  test('have the status, the shape and the exceptions that the stand-in gives', async () => {
    const app = await start({
      version,
      database: `t${String(version)}`,
      users: [{ id: 2, login: 'admin', password: 'admin', apiKeys: ['<KEY>'] }],
    });
    const upTo = (model: string, last: number): void => {
      const made = app.edit(model, { op: 'create', values: { name: 'before' } });
      app.edit(model, { op: 'delete', id: made });
      if (made < last) upTo(model, last);
    };
    for (let number = 0; number < 57; number += 1) {
      app.edit('res.country', { op: 'create', values: { name: `Country ${String(number)}` } });
    }
    upTo('res.partner', first - 1);
    const cases = JSON.parse(
      readFileSync(new URL(`../apps/odoo/recorded/odoo-${String(version)}.json`, import.meta.url), 'utf8'),
    ) as Recorded[];
    expect(cases.length).toBeGreaterThan(30);
    for (const { case: name, request, response } of cases) {
      if (name === 'json2.create') upTo('res.partner', 3059);
      const { method, path, headers, body } = request;
      const answer = await fetch(app.url + path, {
        method,
        headers,
        ...(body === null ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      const given: unknown = text.startsWith('{') || text.startsWith('[') || text === 'true' ? JSON.parse(text) : text;
      expect([name, answer.status, shapeOf(given)]).toEqual([name, response.status, shapeOf(response.body)]);
    }
  });
});

/** Keys and kinds of values; of an error its code and name too, of XML its tags. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((one) => JSON.stringify(shapeOf(one))))].sort();
  if (typeof value === 'string') {
    if (/^<(!doctype|html)/i.test(value)) return 'page';
    if (!value.startsWith('<?xml')) return 'text';
    return [...value.matchAll(/<[\w.]+>|<int>\d<\/int>/g)].map(([tag]) => tag).join('');
  }
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'help')
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [
        key,
        (key === 'name' && /^(odoo|builtins|psycopg2|werkzeug)\./.test(String(one))) || key === 'code'
          ? one
          : shapeOf(one),
      ]),
  );
}
