import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import OAuth from 'oauth-1.0a';
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { netsuite } from '../../src/connectors/netsuite/netsuite.ts';
import { netsuiteSettings } from '../../src/connectors/netsuite/settings.ts';
import { tokenHeader } from '../../src/connectors/netsuite/signing.ts';
import { startNetsuiteApp, type NetsuiteAppOptions } from '../apps/netsuite/netsuite-app.ts';
import type { PlainFault } from '../apps/plain/plain-faults.ts';
import { exerciseConnector, type Misbehaviour } from './contract.ts';
import { openSession } from './open-session.ts';

const FAULTS: Record<Misbehaviour, PlainFault> = {
  throttle: { kind: 'status', status: 429, headers: { 'retry-after': '0.01' } },
  not_found_page: { kind: 'status', status: 404, body: '<html>Not found</html>' },
  server_error: { kind: 'status', status: 502, body: '<html>Bad gateway</html>' },
  apply_then_server_error: { kind: 'status', status: 500, applied: true },
  web_page: { kind: 'body', contentType: 'text/html', body: '<!doctype html><title>Sign in</title>' },
  cut_off: { kind: 'truncate' },
  cut_off_cleanly: { kind: 'truncate', clean: true },
  empty: { kind: 'body', contentType: 'application/json', body: '' },
  hang: { kind: 'hang' },
  reset_before: { kind: 'reset' },
  drop_answer: { kind: 'drop_answer' },
};
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
      const hasty = openSession({ connector: netsuite, settings, secret, deadline: 200 });
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
          return (meant === 'hang' ? hasty : good).session.http.send(request);
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
          await Promise.all([good, hasty, wrong, absent].map((opened) => opened.close()));
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

test('stock is adjusted by the difference, once', async () => {
  const { app, session, close } = await start(JSON.stringify(TBA));
  const row = {
    op: 'update',
    ref: 'u',
    idempotencyKey: 'k',
    id: '7:1',
    changed: { quantityOnHand: 7 },
    fields: {},
    expected: { quantityOnHand: 10 },
  } as const;
  app.fail({ path: 'inventoryAdjustment', with: { kind: 'drop_answer' } });
  expect(await netsuite.writeBatch?.(session, { table: 'stock', rows: [row] })).toMatchObject([
    { result: 'uncertain' },
  ]);
  const second = await netsuite.writeBatch?.(session, { table: 'stock', rows: [row] });
  expect(app.stock().get('7:1')).toBe(-3);
  expect(app.journal()).toHaveLength(1);
  expect(second).toMatchObject([{ result: 'written', id: '7:1' }]);
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
