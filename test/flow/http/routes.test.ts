import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROUTES } from '../../../src/http/openapi.ts';
import { useDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound } from '../outbound/stage.ts';
import { asker, ELSEWHERE, jwt, tokens, type Json } from './caller.ts';
import { doorOf } from './door.ts';

const flow = useOutbound(useDatabase(), { shared: true });
const { pool } = flow;
const token = tokens(pool);
const SECRET = randomUUID() + randomUUID();
const WEBHOOK_SECRET = 'shared secret of the app';
const ID = (n: number) => `00000000-0000-4000-8000-00000000000${String(n)}`;
const ROLES = ['api_reader', 'api_operator', 'api_stranger', 'api_chief'];
let door: string;
let webhook: string;
let ask: ReturnType<typeof asker>;

// There are two organisations; the tests' own statements work in the first.
pool.on('connect', (session) => void session.query(`set tideway.org_id = 'default'`));

beforeAll(async () => {
  await pool.query(`create table stock (id integer primary key, name text, qty integer);
                    insert into stock values (1, 'desk-lamp', 20), (2, 'lamp', 12), (3, 'chair', 30)`);
  await pool.query(`insert into tideway.organisations (org_id) values ('other')`);
  await pool.query(
    `create role api_reader nologin; create role api_operator nologin; create role api_stranger nologin; create role api_chief nologin bypassrls;
     grant tideway_reader to api_reader; grant tideway_operator to api_operator, api_chief`,
  );
  const manual = { schedule: 'manual', sweep_schedule: 'manual' };
  const items = await flow.stage({
    name: 'items',
    direction: 'pull',
    mapping: { ...manual, item_type: 'product', read: { name: 'items', key: 'id', ttl: '1 h' } },
  });
  await flow.stage({ name: 'products', direction: 'pull', mapping: manual });
  await flow.stage({ name: 'base', direction: 'pull', mapping: manual });
  await flow.stage({
    name: 'stock',
    direction: 'pull',
    mapping: { ...manual, read: { name: 'stock', key: 'name', ttl: '1 h' } },
  });
  await seed(pool);
  await pool.query(`select tideway.set_webhook_secret('items', 'env:WEBHOOK_SECRET')`);
  door = doorOf(
    await flow.daemon({ TIDEWAY_JWT_SECRET: SECRET, WEBHOOK_SECRET, AIRTABLE_WEBHOOK_SECRET: WEBHOOK_SECRET }),
  );
  ask = asker(door, await token('tests', 'tideway_operator', 'default'));
  webhook = (await pool.query<{ url: string }>(`select tideway.webhook_url('items') as url`)).rows[0]?.url ?? '';
  items.edit({ op: 'create', values: { ref: 1, name: 'hammer', qty: 1 } });
  await waitFor(async () =>
    expect((await pool.query(`select from tideway.mappings where state <> 'active'`)).rowCount).toBe(0),
  );
  await ask('POST', '/api/sync/tab/items', { body: {} });
  await waitFor(async () => expect((await ask('GET', '/readyz')).status).toBe(200));
});

afterAll(async () => {
  await pool.query(`drop owned by ${ROLES.join()}; drop role ${ROLES.join()}`);
});

/** What the examples of the OpenAPI document name. */
async function seed(db: Pool): Promise<void> {
  const mapping = `from tideway.mappings where name = 'items'`;
  await db.query(
    `insert into tideway.sync_runs (id, org_id, mapping_id, kind, status, completed_at, report)
     select $1, org_id, id, 'pull', 'completed', now(), '{}' ${mapping}`,
    [ID(1)],
  );
  await db.query(
    `insert into tideway.sync_errors (id, org_id, mapping_id, direction, local_key, error_class, code, message)
     select $1, org_id, id, 'pull', '1', 'VALIDATION_ERROR', 'INVALID_VALUE', 'not a number' ${mapping}`,
    [ID(2)],
  );
  await db.query(
    `insert into tideway.conflicts (id, org_id, mapping_id, local_key, "column", kind, policy, local_value, remote_value)
     select $1, org_id, id, '1', 'qty', 'update_exists', 'manual', '1', '12345678901234567890' ${mapping}`,
    [ID(3)],
  );
}

const reopen = () =>
  pool.query(`update tideway.conflicts set resolved_at = null, resolved_by = null, resolution = null where id = $1`, [
    ID(3),
  ]);

/** The address of a route's example. */
function addressOf({ path, example }: (typeof ROUTES)[number]): string {
  if (path.startsWith('/webhooks')) return webhook;
  const query = example.query ? `?${String(new URLSearchParams(example.query))}` : '';
  return path.replace(/:(\w+)/g, (_, name: string) => example.params?.[name] ?? '') + query;
}

test('every example of the OpenAPI document works and answers what its schema says', async () => {
  const document = (await ask('GET', '/openapi.json')).body as { paths: Record<string, Record<string, Json>> };
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
  );
  expect(described.sort()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
  const machine = await token('machine', 'tideway_operator', null);
  for (const route of ROUTES) {
    const { method, example, answer, type = 'application/json', isStream = false } = route;
    const there = addressOf(route);
    const headers = { 'x-tideway-secret': WEBHOOK_SECRET };
    const answered = await ask(method, there, {
      body: example.body,
      // Metrics name the mappings of every organisation.
      ...(route.path === '/metrics' ? { bearer: machine } : {}),
      ...(route.needs === 'proof' ? { headers } : {}),
    });
    expect([there, answered.status, answered.text]).toEqual([there, example.status ?? 200, expect.any(String)]);
    expect(answered.headers.get('content-type')).toContain(type);
    if (!isStream) answer.parse(type === 'application/json' ? answered.body : answered.text);
  }
});

/** Who may do what, apart from the source: nobody 401, a reader 403 where operators are wanted, another organisation nothing. */
const LOOK = 'look';
const OPERATE = 'operate';
const ANYBODY = 'anybody';
/** Something that the caller's own organisation has or has not; the same for everybody who may. */
const LOOK_OWN = 'look at what there is in any organisation';
const OPERATE_OWN = 'operate on what there is in any organisation';
const MATRIX: Readonly<Record<string, string>> = {
  'POST /api/sync/tab/:mapping': OPERATE,
  'POST /api/sync/source/:connection': OPERATE,
  'GET /api/sync/runs': LOOK,
  'GET /api/sync/runs/:id': LOOK,
  'GET /api/sync/progress': LOOK_OWN,
  'GET /api/sync/progress/stream': LOOK_OWN,
  'POST /functions/v1/delta-sync': OPERATE_OWN,
  'POST /functions/v1/scheduled-sync': 'tokens of operators',
  'GET /api/connections': LOOK,
  'POST /api/connections/:connection/test': OPERATE,
  'POST /api/connections/:connection/discover': OPERATE,
  'GET /api/connections/:connection/tables': LOOK,
  'GET /api/mappings': LOOK,
  'GET /api/mappings/:mapping/status': LOOK,
  'GET /api/mappings/:mapping/validate': OPERATE,
  'POST /api/mappings/:mapping/preview': OPERATE,
  'GET /api/errors': LOOK,
  'POST /api/errors/retry': OPERATE,
  'POST /api/errors/:id/retry': OPERATE,
  'POST /api/errors/:id/resolve': OPERATE,
  'GET /api/conflicts': LOOK,
  'POST /api/conflicts/:id/resolve': OPERATE,
  'GET /read/:name': LOOK,
  'GET /read/:name/:key': LOOK,
  'GET /read/:name/cache-stats': LOOK_OWN,
  'GET /read/cache-stats': LOOK_OWN,
  'POST /read/:name/invalidate-cache': OPERATE,
  'POST /read/invalidate-cache': OPERATE,
  'GET /functions/v1/:name': LOOK,
  'GET /functions/v1/:name/:key': LOOK,
  'GET /functions/v1/:name/cache-stats': LOOK_OWN,
  'POST /functions/v1/:name/invalidate-cache': OPERATE,
  'POST /webhooks/:token': 'the secret',
  'GET /healthz': ANYBODY,
  'GET /readyz': ANYBODY,
  'GET /metrics': 'system tokens',
  'GET /openapi.json': ANYBODY,
};

/** A list is empty, a single thing is not found. */
const NOTHING = 0;
const REFUSED = {
  nobody: 401,
  'made up': 401,
  over: 401,
  stranger: 403,
  chief: 403,
  superuser: 403,
  owner: 403,
  daemon: 403,
  'reader of files': 403,
  'role with a quote': 403,
  'no role': 403,
};
const LOOKERS = ['reader', 'operator', 'person', 'person who operates'];
const OPERATORS = ['operator', 'person who operates'];
const FOREIGN_LOOKERS = [
  'reader of other',
  'person of other',
  'person of no organisation',
  'person with a list for an organisation',
  'person with an injection for an organisation',
];
const FOREIGN_OPERATORS = [
  'operator of other',
  'person who operates in other',
  'person who operates in none',
  'system',
];

function expectedOf(kind: string): Record<string, number> {
  const all = (names: readonly string[], status: number) => Object.fromEntries(names.map((name) => [name, status]));
  const lookers = [...LOOKERS, ...FOREIGN_LOOKERS, ...FOREIGN_OPERATORS];
  const operators = [...OPERATORS, ...FOREIGN_OPERATORS];
  const everybody = [...lookers, ...Object.keys(REFUSED)];
  switch (kind) {
    case LOOK:
      return { ...REFUSED, ...all(lookers, NOTHING), ...all(LOOKERS, 200) };
    case LOOK_OWN:
      return { ...REFUSED, ...all(lookers, 200) };
    case OPERATE:
      return { ...REFUSED, ...all(lookers, 403), ...all(operators, 404), ...all(OPERATORS, 200) };
    case OPERATE_OWN:
      return {
        ...REFUSED,
        ...all(lookers, 403),
        ...all(operators, 200),
        'person who operates in none': 403,
        system: 403,
      };
    case 'tokens of operators':
      return { ...REFUSED, ...all(lookers, 403), operator: 200, 'operator of other': 200, system: 200 };
    case 'system tokens':
      return { ...REFUSED, ...all(lookers, 403), system: 200 };
    case 'the secret':
      return all(everybody, 401);
    default:
      return all(everybody, 200);
  }
}

test('role, route and organisation decide together what a caller gets, on every route there is', async () => {
  expect(Object.keys(MATRIX).sort()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
  const person = (role: string, more: Json = {}) => jwt(SECRET, { role, sub: 'ann', org_id: 'default', ...more });
  const callers: Record<string, string | undefined> = {
    nobody: undefined,
    'made up': `tw_${'0'.repeat(64)}`,
    over: person('api_reader', { exp: 1 }),
    stranger: person('api_stranger'),
    chief: person('api_chief'),
    superuser: person('postgres'),
    owner: person('tideway_owner'),
    daemon: person('tideway_daemon'),
    'reader of files': person('pg_read_server_files'),
    'role with a quote': person(`api_reader"; set role postgres; --`),
    'no role': jwt(SECRET, { sub: 'ann', org_id: 'default', role: ['api_reader'] }),
    reader: await token('reader', 'tideway_reader', 'default'),
    operator: await token('operator', 'tideway_operator', 'default'),
    'reader of other': await token('reader', 'tideway_reader', 'other'),
    'operator of other': await token('operator', 'tideway_operator', 'other'),
    system: await token('system', 'tideway_operator', null),
    person: person('api_reader'),
    'person who operates': person('api_operator'),
    'person of other': person('api_reader', { org_id: 'other' }),
    'person who operates in other': person('api_operator', { org_id: 'other' }),
    'person who operates in none': jwt(SECRET, { role: 'api_operator', sub: 'ann' }),
    'person of no organisation': jwt(SECRET, { role: 'api_reader', sub: 'ann' }),
    'person with a list for an organisation': person('api_reader', { org_id: ['default'] }),
    'person with an injection for an organisation': person('api_reader', { org_id: `x' or org_id = 'default` }),
  };
  const wrong: string[] = [];
  for (const route of ROUTES) {
    const { method, path, example } = route;
    const kind = MATRIX[`${method} ${path}`] ?? '';
    const expected = expectedOf(kind);
    expect(Object.keys(expected).sort()).toEqual(Object.keys(callers).sort());
    const tryAs = async ([who, bearer]: [string, string | undefined]): Promise<void> => {
      const { status, body, text } = await asker(door)(method, addressOf(route), {
        bearer,
        body: example.body,
        headers: ELSEWHERE,
      });
      const wanted = expected[who];
      const isEmpty = status === 404 || (status === 200 && JSON.stringify(Object.values(body)) === '[[]]');
      const isRight = wanted === NOTHING ? isEmpty : status === wanted;
      const isProblem = status < 400 || (body['status'] === status && 'code' in body && 'request_id' in body);
      const isDiscreet = [...LOOKERS, 'system'].includes(who) || !/"items|hammer/.test(text);
      if (!isRight || !isProblem || (kind === LOOK_OWN && !isDiscreet))
        wrong.push(`${who}: ${method} ${path} → ${String(status)} ${text.slice(0, 300)}, not ${String(wanted)}`);
    };
    // A conflict is resolved once.
    if (path !== '/api/conflicts/:id/resolve') await Promise.all(Object.entries(callers).map(tryAs));
    else
      for (const caller of Object.entries(callers)) {
        await reopen();
        await tryAs(caller);
      }
  }
  expect(wrong).toEqual([]);
});

test('every example of docs/http.md works', async () => {
  const blocks = [...readFileSync('docs/http.md', 'utf8').matchAll(/```(\w*)\n(.*?)```/gs)].map(
    ([, language = '', text = '']) => [language, text] as const,
  );
  const of = (language: string) => blocks.filter(([one]) => one === language).map(([, text]) => text.trim());
  expect(blocks).toHaveLength(7);

  await pool.query(`create role authenticated nologin; create role tideway_login nologin`);
  try {
    const answers: unknown[] = [];
    for (const block of of('sql'))
      for (const statement of block.split(';').filter((one) => one.trim() !== ''))
        answers.push(...(await pool.query<Json>(statement)).rows);
    expect(answers).toEqual([
      { create_api_token: expect.stringMatching(/^tw_[0-9a-f]{64}$/) as string },
      { create_api_token: expect.stringMatching(/^tw_[0-9a-f]{64}$/) as string },
      { revoke_api_token: expect.anything() as unknown },
      { webhook_url: expect.stringMatching(/\/webhooks\/[0-9a-f]{64}$/) as string },
      { set_webhook_secret: expect.anything() as unknown },
    ]);
  } finally {
    await pool.query('drop owned by authenticated, tideway_login; drop role authenticated, tideway_login');
  }

  const calls = of('bash').flatMap((block) => block.split('\n'));
  expect(calls).toHaveLength(2);
  for (const call of calls) {
    const [, method = '', path = '', type = '', body = ''] =
      /^curl -X (\w+) localhost:9464(\S+) -H 'content-type: ([^']+)' -d '(.*)'$/.exec(call) ?? [];
    expect([call, type]).toEqual([call, 'application/json']);
    const { status, text } = await ask(method, path, { body: JSON.parse(body) });
    expect([path, status, text]).toEqual([path, 200, expect.any(String)]);
  }

  const [told = '', delivery = ''] = of('json');
  expect(JSON.parse(told)).toEqual({ event: 'rows_changed', mappings: [expect.any(String)] });
  const rung = await asker(door)('POST', webhook, {
    body: { ...(JSON.parse(delivery) as Json), timestamp: new Date().toISOString() },
    headers: { 'x-tideway-secret': WEBHOOK_SECRET },
  });
  expect([rung.status, rung.body]).toEqual([202, { accepted: true }]);

  const reads = of('').flatMap((block) => block.split('\n').filter((line) => line.startsWith('GET ')));
  expect(reads).toHaveLength(3);
  for (const read of reads) {
    const { status, body } = await ask('GET', encodeURI(read.slice(4)));
    expect([read, status, Object.keys(body).sort()]).toEqual([
      read,
      200,
      read.includes('?') ? ['data', 'next'] : ['id', 'name', 'qty'],
    ]);
  }
  expect((await ask('GET', encodeURI(reads[0]?.slice(4) ?? ''))).body['data']).toMatchObject([{ id: 1 }, { id: 2 }]);
});
