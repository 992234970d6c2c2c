import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { startPlainApp, type PlainApp, type PlainAppOptions } from '../apps/plain/plain-app.ts';
import type { PlainFault } from '../apps/plain/plain-faults.ts';
import { signedHeaders } from '../apps/plain/plain-webhooks.ts';

const TABLE = {
  id: 'goods',
  columns: [
    { id: 'sku', type: 'text', required: true, normalise: 'trim' },
    { id: 'price', type: 'number', normalise: 'round' },
    { id: 'stock', type: 'number' },
    { id: 'sold_at', type: 'datetime' },
    { id: 'day', type: 'date' },
    { id: 'label', type: 'text', maxLength: 5, computed: ({ sku }) => `<${typeof sku === 'string' ? sku : ''}>` },
    { id: 'extra', type: 'json' },
  ],
} as const satisfies PlainAppOptions['tables'][number];

const running: PlainApp[] = [];

async function start(options: Partial<PlainAppOptions> = {}): Promise<PlainApp> {
  const app = await startPlainApp({ token: 'secret-token', tables: [TABLE], ...options });
  running.push(app);
  return app;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.stop()));
});

/** Whatever an answer may hold; a test names what it looks at. */
interface Body {
  readonly error: { readonly code: string };
  readonly results: readonly { readonly id: string }[];
  readonly records: readonly { readonly id: string; readonly values: Readonly<Record<string, unknown>> }[];
  readonly next: string;
  readonly id: string;
  readonly secret: string;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
}

async function ask(app: PlainApp, path: string, body?: unknown, token = app.token): Promise<Answer> {
  const answer = await fetch(app.url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    body: (text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : undefined) as Body,
  };
}

const write = (app: PlainApp, ...rows: unknown[]): Promise<Answer> =>
  ask(app, '/v1/tables/goods/records/write', { rows });
const list = (app: PlainApp, query = ''): Promise<Answer> => ask(app, `/v1/tables/goods/records?${query}`);
const create = (values: object, more: object = {}): object => ({ op: 'create', values, ...more });

describe('strict', () => {
  test.for([
    ['an unknown route', '/v1/nothing', undefined, 404, 'no_such_route'],
    ['an unknown table', '/v1/tables/nothing/records', undefined, 404, 'no_such_table'],
    ['an unknown parameter', '/v1/tables/goods/records?page=2', undefined, 400, 'unknown_parameter'],
    ['a page that is too large', '/v1/tables/goods/records?limit=201', undefined, 400, 'bad_parameter'],
    ['an unknown column', '/v1/tables/goods/records?column=colour', undefined, 400, 'unknown_column'],
    ['a cursor of its own making', '/v1/tables/goods/records?cursor=e30', undefined, 410, 'cursor_expired'],
    ['a body that is not JSON', '/v1/tables/goods/records/write', '{', 400, 'bad_json'],
    [
      'an unknown key in a row',
      '/v1/tables/goods/records/write',
      { rows: [{ op: 'create', values: {}, extra: 1 }] },
      400,
      'bad_request',
    ],
    [
      'a batch that is too large',
      '/v1/tables/goods/records/write',
      { rows: Array(101).fill(create({ sku: 'a' })) },
      413,
      'too_many_rows',
    ],
    ['a body that is too large', '/v1/tables/goods/records/write', `"${'x'.repeat(1024 * 1024)}"`, 413, 'too_large'],
  ] as const)('%s is refused', async ([, path, body, status, code]) => {
    const answer = await ask(await start(), path, body);
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
  });

  test('no token and a wrong one are refused, before anything else', async () => {
    const app = await start();
    expect((await ask(app, '/v1/account', undefined, 'wrong')).status).toBe(401);
    expect((await fetch(`${app.url}/v1/nothing`)).status).toBe(401);
    app.setToken('changed');
    expect((await ask(app, '/v1/account')).status).toBe(401);
  });

  test.for([
    [{ sku: 'a', colour: 'red' }, 'unknown_column', 'colour'],
    [{ sku: 1 }, 'wrong_type', 'sku'],
    [{ sku: 'a', price: '1e3' }, 'wrong_type', 'price'],
    [{ sku: 'a', day: '2026-02-30' }, 'wrong_type', 'day'],
    [{ sku: 'a', sold_at: '2026-02-28T10:00:00' }, 'wrong_type', 'sold_at'],
    [{ sku: 'a', label: 'mine' }, 'read_only', 'label'],
    [{ price: 1 }, 'required', 'sku'],
    [{ sku: null }, 'required', 'sku'],
  ] as const)('%j is refused with its column, and leaves no trace', async ([values, code, column]) => {
    const app = await start();
    const { body } = await write(app, create(values), create({ sku: 'good' }));
    expect(body.results).toMatchObject([{ error: { code, column } }, { id: 'rec_000001' }]);
    expect(app.journal()).toHaveLength(1);
  });
});

describe('keeps', () => {
  test('numbers to the last digit, and its own normal form of what it was given', async () => {
    const app = await start();
    await write(
      app,
      create({
        sku: '  a ',
        price: '2.345',
        stock: '123456789012345678901.50',
        sold_at: '2026-01-01T01:00:00+01:00',
        extra: { number: 7 },
      }),
    );
    const { text, body } = await list(app);
    expect(text).toContain('"stock":123456789012345678901.5,');
    expect(body.records[0]?.values).toMatchObject({
      sku: 'a',
      label: '<a>',
      sold_at: '2026-01-01T00:00:00.000Z',
      extra: { number: 7 },
    });
    expect(['2.34', '2.35']).toContain(String(body.records[0]?.values['price']));
  });

  test('one effect for one key', async () => {
    const app = await start();
    const [first, second] = [
      await write(app, create({ sku: 'a' }, { key: 'k' })),
      await write(app, create({ sku: 'a' }, { key: 'k' })),
    ];
    expect(second.body.results).toMatchObject([{ id: first.body.results[0]?.id, replayed: true }]);
    expect(app.journal()).toMatchObject([{ op: 'create', actor: 'api', key: 'k' }]);
  });

  test('a record from being written at another version', async () => {
    const app = await start();
    await write(app, create({ sku: 'a' }));
    app.edit('goods', { op: 'update', id: 'rec_000001', values: { stock: 5 } });
    const { body } = await write(app, { op: 'update', id: 'rec_000001', values: { stock: 9 }, if_version: 1 });
    expect(body.results).toMatchObject([
      { error: { code: 'version_mismatch' }, current: { version: 2, values: { stock: 5 } } },
    ]);
  });

  test('a journal, on disk before the answer', async () => {
    const journalFile = join(mkdtempSync(join(tmpdir(), 'plain-')), 'journal');
    const app = await start({ journalFile });
    app.fail({ with: { kind: 'drop_answer' } });
    await expect(write(app, create({ sku: 'a', stock: '1' }))).rejects.toThrow();
    expect(JSON.parse(readFileSync(journalFile, 'utf8'))).toMatchObject({
      seq: 1,
      op: 'create',
      values: { sku: 'a', stock: 1 },
    });
  });

  test('writes back from reads for as long as it was told', async () => {
    let time = 1_000_000;
    const app = await start({ visibleAfter: 500, now: () => time });
    const { body } = await write(app, create({ sku: 'a' }));
    expect(body.results[0]).not.toHaveProperty('record');
    expect((await list(app)).body.records).toEqual([]);
    time += 500;
    expect((await list(app)).body.records).toHaveLength(1);
  });
});

test('pages by cursor, and by modified time to the grain of its clock', async () => {
  let time = Date.parse('2026-01-01T00:00:00.900Z');
  const app = await start({ granularity: 1000, now: () => time });
  await write(app, create({ sku: 'a' }), create({ sku: 'b' }), create({ sku: 'c' }));
  const first = await list(app, 'limit=2');
  expect(first.body).toMatchObject({ total: 3, records: [{ values: { sku: 'a' } }, { values: { sku: 'b' } }] });
  const rest = await list(app, `limit=2&cursor=${first.body.next}`);
  expect(rest.body.records).toMatchObject([{ values: { sku: 'c' }, modified_at: '2026-01-01T00:00:00.000Z' }]);
  expect(rest.body.next).toBeUndefined();
  expect(
    (await list(app, `limit=2&modified_after=2026-01-01T00:00:00Z&cursor=${first.body.next}`)).body.error.code,
  ).toBe('bad_cursor');
  time += 1000;
  app.edit('goods', { op: 'update', id: 'rec_000002', values: { stock: 1 } });
  const changed = await list(app, 'modified_after=2026-01-01T00:00:00Z');
  expect(changed.body.records).toMatchObject([{ id: 'rec_000002' }]);
});

test('reads by id and finds by value', async () => {
  const app = await start();
  await write(app, create({ sku: 'a', stock: '2.50' }), create({ sku: 'b' }), create({ sku: 'a' }));
  const byId = await ask(app, '/v1/tables/goods/records/read', { ids: ['rec_000002', 'rec_000009'] });
  expect(byId.body).toMatchObject({ records: [{ id: 'rec_000002' }], missing: ['rec_000009'] });
  const byValue = await ask(app, '/v1/tables/goods/records/find', { column: 'sku', values: ['a'] });
  expect(byValue.body.records.map(({ id }) => id)).toEqual(['rec_000001', 'rec_000003']);
  const byNumber = await ask(app, '/v1/tables/goods/records/find', { column: 'stock', values: [2.5] });
  expect(byNumber.body.records).toHaveLength(1);
});

describe('misbehaves when told', () => {
  const journalAfter = async (fault: PlainFault): Promise<number> => {
    const app = await start();
    app.fail({ with: fault });
    await write(app, create({ sku: 'a' })).catch(() => undefined);
    return app.journal().length;
  };

  test.for<[PlainFault, number]>([
    [{ kind: 'status', status: 503 }, 0],
    [{ kind: 'status', status: 500, applied: true }, 1],
    [{ kind: 'reset' }, 0],
    [{ kind: 'drop_answer' }, 1],
    [{ kind: 'truncate' }, 1],
    [{ kind: 'delay', milliseconds: 1 }, 1],
    [{ kind: 'body', contentType: 'text/html', body: '<html>' }, 0],
  ])('%j has %i effects', async ([fault, effects]) => {
    expect(await journalAfter(fault)).toBe(effects);
  });

  test('a late request takes effect when it is released', async () => {
    const app = await start();
    app.fail({ with: { kind: 'late' } });
    await expect(write(app, create({ sku: 'a' }))).rejects.toThrow();
    expect(app.journal()).toHaveLength(0);
    app.releaseHeld();
    expect(app.journal()).toHaveLength(1);
  });

  test('only for the requests that were meant, as often as was said', async () => {
    const app = await start();
    app.fail({ path: '/write', after: 1, count: 2, with: { kind: 'status', status: 418 } });
    const statuses: number[] = [];
    for (let number = 0; number < 4; number += 1) statuses.push((await write(app, create({ sku: 'a' }))).status);
    expect([...statuses, (await list(app)).status]).toEqual([200, 418, 418, 200, 200]);
  });

  test('too many requests in a second are answered 429 with a wait', async () => {
    const time = 0;
    const app = await start({ requestsPerSecond: 2, now: () => time });
    const answers = [await list(app), await list(app), await list(app)];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers[2]?.headers.get('retry-after')).toBe('1');
  });

  test('from another process, through its admin door', async () => {
    const app = await start();
    await ask(app, '/_admin/fail', { with: { kind: 'status', status: 503 } });
    expect((await list(app)).status).toBe(503);
    await ask(app, '/_admin/edit?table=goods', { op: 'create', values: { sku: 'made by hand' } });
    expect((await ask(app, '/_admin/journal')).body).toMatchObject([{ actor: 'person', op: 'create' }]);
    expect((await ask(app, '/_admin/journal', undefined, 'wrong')).status).toBe(401);
  });
});

test('a webhook names what changed and signs id, time and body', async () => {
  const heard: { headers: Record<string, unknown>; body: string }[] = [];
  const ear = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      heard.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => ear.listen(0, '127.0.0.1', resolve));
  const app = await start({ now: () => 1_790_000_000_000 });
  const url = `http://127.0.0.1:${String((ear.address() as AddressInfo).port)}/bell`;
  const { body: hook } = await ask(app, '/v1/webhooks', { url, tables: ['goods'] });
  await write(app, create({ sku: 'a' }));
  await app.webhooksQuiet();
  expect(app.deliveries()).toMatchObject([{ status: 204 }]);
  const [delivery] = heard;
  const id = String(delivery?.headers['x-plain-delivery']);
  expect(delivery?.headers).toMatchObject(signedHeaders(hook.secret, id, 1_790_000_000, delivery?.body ?? ''));
  expect(JSON.parse(delivery?.body ?? '')).toEqual({ changed: [{ table: 'goods', ids: ['rec_000001'] }] });
  expect((await ask(app, '/v1/webhooks', { id: hook.id })).body).not.toHaveProperty('secret');
  await new Promise((resolve) => ear.close(resolve));
});

test('its page shows the rows to a person, escaped', async () => {
  const app = await start();
  await write(app, create({ sku: '<b>bold</b>' }));
  const { text } = await ask(app, '/', undefined, 'nobody');
  expect(text).toContain('&lt;b&gt;bold&lt;/b&gt;');
  expect(text).not.toContain('<b>');
});
