import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import OAuth from 'oauth-1.0a';
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Cursor } from '../../src/connectors/connector.ts';
import type { WriteRow } from '../../src/model/write.ts';
import { netsuite } from '../../src/connectors/netsuite/netsuite.ts';
import { netsuiteSettings } from '../../src/connectors/netsuite/settings.ts';
import { createNetsuiteClient } from '../../src/connectors/netsuite/client.ts';
import { tokenHeader } from '../../src/connectors/netsuite/signing.ts';
import { Fault } from '../../src/model/fault.ts';
import { startNetsuiteApp, type NetsuiteApp, type NetsuiteAppOptions } from '../apps/netsuite/netsuite-app.ts';
import { exerciseConnector, type Misbehaviour } from './contract.ts';
import { FAULTS } from './misbehaving.ts';
import { openSession } from './open-session.ts';

const CUSTOMER = {
  name: 'customer',
  from: 'customer',
  fields: {
    companyName: 'text',
    email: 'text',
    phone: 'text',
    isInactive: 'boolean',
    creditLimit: 'number',
    subsidiary: 'reference',
    custentity_since: 'date',
    custentity_seen: 'datetime',
  },
} as const satisfies NetsuiteAppOptions['types'][number];
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 3072 });
const machineOf = (pair: typeof keys) => ({
  app: { clientId: 'client', certificateId: 'cert', publicKey: createPublicKey(pair.privateKey) },
  secret: JSON.stringify({
    client_id: 'client',
    certificate_id: 'cert',
    private_key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }),
});
const TBA = { consumer_key: 'ck', consumer_secret: 'cs-5512', token_id: 'tk', token_secret: 'ts-9981' };
const tokens = { ck: 'ck', cs: 'cs-5512', tk: 'tk', ts: 'ts-9981' };

const start = async (secret: string, options: Partial<NetsuiteAppOptions> = {}) => {
  const app = await startNetsuiteApp({ account: '123456_SB1', tokens, types: [CUSTOMER], ...options });
  const settings = netsuiteSettings.parse({
    account_id: '123456-sb1',
    base_url: app.url,
    requests_per_second: 1000,
    concurrency: 8,
    adjustment_account: '54',
  });
  return {
    app,
    settings,
    ...openSession({
      connector: netsuite,
      settings,
      secret,
      deadline: 2000,
      ...(options.now ? { now: options.now } : {}),
    }),
  };
};

for (const [how, secret, machine] of [
  ['token-based', JSON.stringify(TBA), undefined],
  ['ES256', machineOf(keys).secret, machineOf(keys).app],
] as const) {
  exerciseConnector({
    connector: { ...netsuite, describe: (settings) => ({ ...netsuite.describe(settings), title: `NetSuite, ${how}` }) },
    table: 'customer',
    sample: (number) => ({
      companyName: `Firm ${String(number)}`,
      email: `p${String(number)}@example.com`,
      phone: '030 1',
    }),
    correlation: 'email',
    edits: { column: 'phone', values: ['Lübeck', 'Kiel'] },
    bad: { fields: { isInactive: 'maybe' }, column: 'isInactive' },
    exact: [
      { column: 'creditLimit', value: 0.1 },
      { column: 'isInactive', value: false },
      { column: 'subsidiary', value: '3' },
      { column: 'custentity_seen', value: '2026-03-29T02:30:00+01:00', shown: '2026-03-29T01:30:00Z' },
      { column: 'companyName', value: `O'Neil "ü" ; --` },
    ],
    readOnly: 'lastModifiedDate',
    network: true,
    open: async () => {
      const good = await start(secret, machine ? { machine } : {});
      const { app, settings } = good;
      const wrong = openSession({
        connector: netsuite,
        settings,
        secret: secret.replace(/cs-5512|"cert"/, (found) => (found === '"cert"' ? '"other"' : 'wrong')),
      });
      const nobody = { ...settings, base_url: 'http://127.0.0.1:1' };
      const absent = openSession({ connector: netsuite, settings: nobody, secret });
      let next: Misbehaviour | null = null;
      const http = {
        send: (request: Parameters<typeof good.session.http.send>[0]) => {
          const meant = /suiteql|record\/v1\/customer/.test(request.url) ? next : null;
          if (meant === null) return good.session.http.send(request);
          next = null;
          app.fail({ with: FAULTS[meant] });
          return good.session.http.send(meant === 'hang' ? { ...request, deadline: 200 } : request);
        },
      };
      return {
        session: { ...good.session, http },
        withWrongSecret: wrong.session,
        withNobodyThere: absent.session,
        misbehave: (fault) => {
          next = fault;
        },
        edit: (id, fields) => {
          app.edit('customer', id, fields);
        },
        remove: (id) => {
          app.remove('customer', id);
        },
        effects: () => app.journal().length,
        close: async () => {
          await Promise.all([good, wrong, absent].map((opened) => opened.close()));
          await app.stop();
        },
      };
    },
  });
}

test('signs as the recorded vectors do, and as oauth-1.0a does', () => {
  const oracle = tokenHeader(
    {
      consumer_key: 'ef40afdd8abaac111b13825dd5e5e2ddddb44f86d5a0dd6dcf38c20aae6b67e4',
      consumer_secret: 'd26ad321a4b2f23b0741c8d38392ce01c3e23e109df6c96eac6d099e9ab9e8b5',
      token_id: '2b0ce516420110bcbd36b69e99196d1b7f6de3c6234c5afb799b73d87569f5cc',
      token_secret: 'c29a677df7d5439a458c063654187e3d678d73aca8e3c9d8bea1478a3eb0d295',
    },
    {
      method: 'GET',
      url: 'https://123456.suitetalk.api.netsuite.com/services/rest/record/v1/employee/40',
      realm: '123456',
      nonce: 'fjaLirsIcCGVZWzBX0pg',
      timestamp: 1508242306,
    },
  );
  expect(oracle).toContain(encodeURIComponent('B5OIWznZ2YP0OB7VrJrGkYsTh+8H+5T9Hag+o92q0zY='));
  const url = 'http://127.0.0.1:8080/services/rest/query/v1/suiteql?limit=1000&offset=0';
  const own = { consumer_key: 'ck', consumer_secret: 'cs', token_id: 'tk', token_secret: 'ts' };
  const header = tokenHeader(own, { method: 'POST', url, realm: 'X', nonce: 'n0nceN0nce', timestamp: 1700000000 });
  expect(header).toContain(encodeURIComponent('KCSjw6mRq73L2ZsHo02kKvlA11Iixe2e32OQZfPrgCg='));
});

test('oauth-1.0a opens the stand-in once: a nonce that comes again is refused', async () => {
  const { app, close } = await start(JSON.stringify(TBA));
  const signer = new OAuth({
    consumer: { key: 'ck', secret: 'cs-5512' },
    signature_method: 'HMAC-SHA256',
    realm: '123456_SB1',
    hash_function: (text, key) => createHmac('sha256', key).update(text).digest('base64'),
  });
  const url = `${app.url}/services/rest/query/v1/suiteql?limit=5&offset=0`;
  const headers = {
    ...signer.toHeader(signer.authorize({ url, method: 'POST' }, { key: 'tk', secret: 'ts-9981' })),
    prefer: 'transient',
    'content-type': 'application/json',
  };
  const ask = () => fetch(url, { method: 'POST', headers, body: '{"q":"SELECT 1 AS one FROM dual"}' });
  expect(await (await ask()).json()).toMatchObject({ count: 1, hasMore: false, items: [{ one: '1' }] });
  expect((await ask()).status).toBe(401);
  await close();
  await app.stop();
});

test('a PS256 assertion opens, the token is kept, and a withdrawn one is asked for again once', async () => {
  const { app: machine, secret } = machineOf(rsa);
  const { app, session, tokens: stored, close } = await start(secret, { machine });
  await netsuite.identify(session);
  await netsuite.identify(session);
  const asked = () => app.requests().filter((line) => line.includes('/oauth2/')).length;
  expect(asked()).toBe(1);
  expect(stored.get('access_token')).toContain('expires');
  app.withdrawTokens();
  await netsuite.identify(session);
  expect(asked()).toBe(2);
  await close();
  await app.stop();
});

const stockUpdate = (key: string, quantityOnHand: number, last: number | null) =>
  ({
    op: 'update',
    ref: 'u',
    idempotencyKey: key,
    id: '7:1',
    changed: { quantityOnHand },
    fields: {},
    expected: { quantityOnHand: last },
  }) as const;
const adjustments = (app: NetsuiteApp) =>
  app.journal().flatMap(({ fields }) => {
    const { items } = fields['inventory'] as { items: { adjustQtyBy: number }[] };
    return items.map(({ adjustQtyBy }) => adjustQtyBy);
  });

test('stock is adjusted by the difference, once, and shown as it is then', async () => {
  const { app, session, close } = await start(JSON.stringify(TBA));
  app.moveStock('7', '1', 10);
  app.fail({ path: 'inventoryAdjustment', with: { kind: 'drop_answer' } });
  const write = () => netsuite.writeBatch?.(session, { table: 'stock', rows: [stockUpdate('k', 7, 10)] });
  expect(await write()).toMatchObject([{ result: 'uncertain' }]);
  expect(await write()).toEqual([
    { ref: 'u', result: 'written', id: '7:1', record: { id: '7:1', fields: { quantityOnHand: 7 } } },
  ]);
  expect(app.stock().get('7:1')).toBe(7);
  expect(adjustments(app)).toEqual([-3]);
  await close();
  await app.stop();
});

test('stock that somebody else moved is not adjusted against a quantity that is over', async () => {
  const { app, session, close } = await start(JSON.stringify(TBA));
  app.moveStock('7', '1', 12);
  expect(await netsuite.writeBatch?.(session, { table: 'stock', rows: [stockUpdate('k', 7, 10)] })).toEqual([
    { ref: 'u', result: 'conflict', current: null },
  ]);
  expect(await netsuite.writeBatch?.(session, { table: 'stock', rows: [stockUpdate('k', 7, null)] })).toMatchObject([
    { result: 'refused', fault: { column: 'quantityOnHand' } },
  ]);
  expect(app.journal()).toEqual([]);
  await close();
  await app.stop();
});

test('what was booked meanwhile is left to the next read, which finds it by its own time of change', async () => {
  let time = Date.parse('2026-03-02T10:00:00Z');
  const { app, session, close } = await start(JSON.stringify(TBA), { now: () => time });
  app.moveStock('7', '1', 10);
  const read = async (after: Cursor | null) => {
    const request = { table: 'stock', columns: ['item', 'quantityOnHand'], limit: 10, filter: null, askedFor: '1' };
    return netsuite.readPage?.(session, { ...request, mode: after === null ? 'full' : 'changes', after });
  };
  const first = await read(null);
  expect(first?.records).toEqual([
    { id: '7:1', fields: { item: '7', quantityOnHand: 10 }, modifiedAt: '2026-03-02T10:00:00Z' },
  ]);
  time += 3_600_000;
  const second = await read(first?.next ?? null);
  expect((await read(second?.next ?? null))?.records).toEqual([]);
  app.moveStock('7', '1', 5);
  expect((await read(second?.next ?? null))?.records).toMatchObject([
    { fields: { quantityOnHand: 15 }, modifiedAt: '2026-03-02T11:00:00Z' },
  ]);
  await close();
  await app.stop();
});

test('an account of several subsidiaries books adjustments in the one of the settings', async () => {
  const { app, session, settings, close } = await start(JSON.stringify(TBA), { oneWorld: true });
  app.moveStock('7', '1', 10);
  const rows = [stockUpdate('k', 7, 10)];
  expect(await netsuite.writeBatch?.(session, { table: 'stock', rows })).toMatchObject([
    { result: 'refused', fault: { column: 'Subsidiary' } },
  ]);
  const told = { ...session, settings: { ...settings, adjustment_subsidiary: '3' } };
  expect(await netsuite.writeBatch?.(told, { table: 'stock', rows })).toMatchObject([{ result: 'written' }]);
  expect(app.journal()).toMatchObject([
    { fields: { account: { id: '54' }, subsidiary: { id: '3' }, adjLocation: { id: '1' } } },
  ]);
  await close();
  await app.stop();
});

test('a mapped external id is the key: the record that has it is updated, and only its characters are taken', async () => {
  const { app, session, close } = await start(JSON.stringify(TBA));
  const id = app.add('customer', { externalId: 'shop-1', companyName: 'Old', phone: '1' });
  const create = (externalId: string) => ({
    op: 'create' as const,
    ref: externalId,
    idempotencyKey: externalId,
    fields: { externalId, companyName: 'New' },
  });
  const rows = [create('shop-1'), create('shop|2'), create('shop-3')];
  expect(await netsuite.writeBatch?.(session, { table: 'customer', rows })).toMatchObject([
    { ref: 'shop-1', result: 'written', id },
    { ref: 'shop|2', result: 'refused', fault: { column: 'externalId', code: 'VALUE_REFUSED' } },
    { ref: 'shop-3', result: 'written' },
  ]);
  expect(app.records('customer').map(({ fields }) => fields)).toEqual([
    { externalId: 'shop-1', companyName: 'New', phone: '1' },
    { externalId: 'shop-3', companyName: 'New' },
  ]);
  await close();
  await app.stop();
});

test('one request too many is refused without effect, and the connector stays under the limit that it is set', async () => {
  const { app, session, settings, close } = await start(JSON.stringify(TBA), { concurrency: 2 });
  const crowd = async (http: typeof session) => {
    app.fail({ count: 6, with: { kind: 'delay', milliseconds: 30 } });
    return Promise.all(
      Array.from({ length: 6 }, async (_, n) => {
        const fields = { companyName: `Firm ${String(n)}` };
        const rows = [{ op: 'create' as const, ref: String(n), idempotencyKey: `${String(Math.random())}`, fields }];
        return (await netsuite.writeBatch?.(http, { table: 'customer', rows }))?.[0];
      }),
    );
  };
  await netsuite.discover(session, ['customer']);
  const many = await crowd(session);
  const refused = many.filter((outcome) => outcome?.result === 'retry');
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]).toMatchObject({ fault: { class: 'RATE_LIMIT', retryAfter: 2000 } });
  expect(app.journal()).toHaveLength(many.length - refused.length);
  await close();
  const polite = openSession({
    connector: netsuite,
    settings: { ...settings, concurrency: 2 },
    secret: JSON.stringify(TBA),
  });
  expect((await crowd(polite.session)).map((outcome) => outcome?.result)).toEqual(Array(6).fill('written'));
  await polite.close();
  await app.stop();
});

test('queries of the stand-in take parameters and joins, and refuse what NetSuite refuses', async () => {
  const { app, session, close } = await start(JSON.stringify(TBA));
  const ada = app.add('customer', { companyName: 'Ada', email: 'a@example.com' });
  app.moveStock(ada, '1', 4);
  const client = createNetsuiteClient(session);
  const ask = async (path: string, json: object) =>
    JSON.parse(
      (
        await client.send(`/services/rest/query/v1/suiteql${path}`, {
          method: 'POST',
          safe: true,
          headers: { prefer: 'transient' },
          json,
        })
      ).text(),
    ) as { items: object[] };
  const q = `SELECT c.companyname AS name, s.quantityonhand AS q FROM customer c INNER JOIN aggregateitemlocation s ON s.item = c.id WHERE c.email = ? ORDER BY c.id`;
  expect((await ask('', { q, params: ['a@example.com'] })).items).toMatchObject([{ name: 'Ada', q: '4' }]);
  expect((await ask('', { q, params: ['b@example.com'] })).items).toEqual([]);
  for (const [path, json] of [
    ['', { q, params: [] }],
    ['', { q, params: ['a', 'b'] }],
    ['', { q, params: [1] }],
    ['', { query: q }],
    ['?limit=10&offset=5', { q: 'SELECT t.id AS id FROM customer t ORDER BY t.id' }],
    ['?limit=1001', { q: 'SELECT t.id AS id FROM customer t ORDER BY t.id' }],
    ['?page=2', { q: 'SELECT t.id AS id FROM customer t ORDER BY t.id' }],
    ['', { q: 'SELECT id FROM customer LIMIT 5' }],
    ['', { q: 'SELECT id FROM customer c INNER JOIN customer d ON d.id = c.id' }],
  ] as const) {
    await expect(ask(path, json), JSON.stringify([path, json])).rejects.toBeInstanceOf(Fault);
  }
  await close();
  await app.stop();
});

test('a column that queries do not know is not listed, custom fields are', async () => {
  const { app, session, close } = await start(JSON.stringify(TBA), { hidden: ['subsidiary'] });
  const [table] = await netsuite.discover(session, ['customer']);
  const names = table?.columns.map(({ name }) => name);
  expect(names).toContain('custentity_seen');
  expect(names).not.toContain('subsidiary');
  await close();
  await app.stop();
});

test('a missing permission that comes as a bad request says what to grant', async () => {
  const { app, session, close } = await start(JSON.stringify(TBA));
  const detail = 'Your current role does not have permission to perform this action.';
  const body = JSON.stringify({ 'o:errorDetails': [{ detail, 'o:errorCode': 'USER_ERROR' }] });
  app.fail({ path: 'suiteql', with: { kind: 'status', status: 400, body } });
  await expect(netsuite.identify(session)).rejects.toMatchObject({
    facts: { code: 'PERMISSION_DENIED', suggestion: expect.stringContaining('SuiteAnalytics Workbook') as string },
  });
  await close();
  await app.stop();
});

test('stock that is there already is not booked again when its row is new to Tideway', async () => {
  const { app, session, close } = await start(JSON.stringify(TBA));
  const create = (key: string, quantityOnHand: number) => ({
    op: 'create' as const,
    ref: 'c',
    idempotencyKey: key,
    fields: { item: '7', location: '1', quantityOnHand },
  });
  await netsuite.writeBatch?.(session, { table: 'stock', rows: [create('a', 10)] });
  await netsuite.writeBatch?.(session, { table: 'stock', rows: [create('b', 12)] });
  expect(app.stock().get('7:1')).toBe(12);
  await close();
  await app.stop();
});

test('a sale is written with all of its lines, read with them, and changed as a whole', async () => {
  const order = {
    name: 'salesOrder',
    from: 'transaction',
    only: { type: 'SalesOrd' },
    fields: { entity: 'reference', otherRefNum: 'text', item: 'lines' },
    required: ['entity'],
  } as const;
  const { app, session, close } = await start(JSON.stringify(TBA), { types: [order] });
  const [table] = await netsuite.discover(session, ['salesOrder']);
  expect(table?.columns.find(({ name }) => name === 'item')).toMatchObject({ type: 'json', writable: true });
  const write = (...rows: readonly WriteRow[]) => netsuite.writeBatch?.(session, { table: 'salesOrder', rows });
  const two = [
    { item: '7', quantity: 2, rate: 9.5 },
    { item: '8', quantity: 1, rate: 20 },
  ];
  const fields = { entity: '5', otherRefNum: '#1001', item: two };
  const create = { op: 'create', ref: 'o', idempotencyKey: 'o', fields } as const;
  app.fail({ method: 'POST', path: '/salesOrder', with: { kind: 'drop_answer' } });
  expect(await write(create)).toMatchObject([{ result: 'uncertain' }]);
  const [made] = (await write(create)) ?? [];
  const id = made?.result === 'written' ? made.id : '';
  const read = async () =>
    (
      await netsuite.readByIds?.(session, {
        table: 'salesOrder',
        columns: ['otherRefNum', 'item'],
        ids: [id],
        askedFor: '1',
      })
    )?.records[0]?.fields;
  expect(await read()).toEqual({ otherRefNum: '#1001', item: two });
  const item = [{ item: '7', quantity: 3, rate: 9.5 }];
  const change = { op: 'update', ref: 'o', idempotencyKey: 'p', id, changed: { item }, fields: { item } } as const;
  await write(change);
  await write(change);
  expect(await read()).toEqual({ otherRefNum: '#1001', item });
  expect(
    await write({ ...create, ref: 'bad', idempotencyKey: 'bad', fields: { entity: '5', item: 'two mugs' } }),
  ).toMatchObject([{ result: 'refused', fault: { column: 'item' } }]);
  expect(app.records('salesOrder')).toHaveLength(1);
  await close();
  await app.stop();
});
