import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import type { RunningDaemon } from '../../support/daemon.ts';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound, type Stage } from '../outbound/stage.ts';
import { asker, ELSEWHERE, jwt, tokens, type Json } from './caller.ts';
import { doorOf } from './door.ts';

const flow = useOutbound(useDatabase(), { shared: true });
const { pool } = flow;
const token = tokens(pool);
const NIL = '00000000-0000-4000-8000-000000000009';
const SECRET = randomUUID() + randomUUID();
const closing: (() => void)[] = [];
let stage: Stage;
let daemon: RunningDaemon;
let door: string;
let ask: ReturnType<typeof asker>;
/** Nobody may be sent here. */
let canary: { port: string; readonly touched: () => number };
let keys: { port: string; answer: (kids: Json[]) => void; asked: () => number };

async function listen(handle: (answer: (text: string) => void) => void) {
  let touched = 0;
  const server = createServer((_request, response) => handle((text) => response.end(text)));
  server.on('connection', () => (touched += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: String((server.address() as AddressInfo).port), touched: () => touched };
}

/** Ways to write a private address, each of a service that must not be reached. */
const privateUrls = (port: string) => [
  `http://127.0.0.1:${port}`,
  `https://127.0.0.1:${port}`,
  `https://localhost:${port}`,
  `https://2130706433:${port}`,
  `https://0x7f.1:${port}`,
  `https://0177.0.0.1:${port}`,
  `https://[::1]:${port}`,
  `https://[::ffff:127.0.0.1]:${port}`,
  `https://[::ffff:7f00:1]:${port}`,
  `https://127.0.0.1.:${port}`,
  'https://169.254.169.254',
  'https://0.0.0.0',
];

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });

beforeAll(async () => {
  let published: Json[] = [{ ...rsa.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' }];
  const served = await listen((answer) => answer(JSON.stringify({ keys: published })));
  keys = { port: served.port, answer: (kids) => (published = kids), asked: served.touched };
  canary = await listen((answer) => answer('{}'));
  stage = await flow.stage({
    direction: 'pull',
    mapping: {
      schedule: 'manual',
      sweep_schedule: 'manual',
      invalidate: privateUrls(canary.port).map((url) => `${url}/clear`),
    },
  });
  await pool.query('create role limits_reader nologin; grant tideway_reader to limits_reader');
  daemon = await flow.daemon({
    WEBHOOK_SECRET: SECRET,
    TIDEWAY_HTTP_RATE: '5',
    TIDEWAY_HTTP_WAIT: '1',
    TIDEWAY_HTTP_ORIGINS: 'https://app.example.com',
    TIDEWAY_HTTP_OPEN: 'healthz',
    TIDEWAY_JWKS_URL: `http://127.0.0.1:${keys.port}/.well-known/jwks.json`,
    TIDEWAY_JWT_AUDIENCE: 'tideway',
    TIDEWAY_JWT_ISSUER: 'https://auth.example.com',
    TIDEWAY_EGRESS_ALLOW: `127.0.0.1:${keys.port},127.0.0.1:${new URL(stage.app.url).port}`,
  });
  door = doorOf(daemon);
  ask = asker(door);
  await waitFor(async () =>
    expect((await pool.query(`select from tideway.mappings where state = 'active'`)).rowCount).toBe(1),
  );
});

afterAll(async () => {
  for (const close of closing) close();
  await pool.query('drop owned by limits_reader; drop role limits_reader');
});

test('what is wrong is told without inner details; what is too much is refused', async () => {
  const problem = async (path: string, body: unknown) => (await ask('POST', path, { body })).body;
  expect(await problem('/api/sync/tab/itemz', {})).toMatchObject({
    status: 404,
    code: 'TWMAP',
    mend: expect.stringContaining('items') as string,
  });
  expect(await problem('/api/sync/tab/items', { row_limit: 0 })).toMatchObject({ status: 400, where: 'row_limit' });
  expect(await problem('/api/sync/tab/items', { rowLimit: 1 })).toMatchObject({ status: 400, where: 'rowLimit' });
  expect(await problem(`/api/conflicts/${NIL}/resolve`, { choice: 'local' })).toMatchObject({ code: 'TWCFL' });
  expect(await problem('/api/errors/x/retry', {})).toMatchObject({ status: 400, where: 'id' });
  expect(await problem('/read/invalidate-cache', { name: 5 })).toMatchObject({ status: 400, where: 'name' });

  const page = await ask('GET', '/api/mappings', { headers: { origin: 'https://app.example.com' } });
  expect([page.status, page.headers.get('access-control-allow-origin')]).toEqual([401, 'https://app.example.com']);
  const evil = await ask('POST', '/api/errors/retry', { body: {}, headers: { origin: 'https://evil.example.com' } });
  expect([evil.status, evil.headers.get('access-control-allow-origin')]).toEqual([401, null]);
  const preflight = await fetch(`${door}/api/mappings`, {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example.com' },
  });
  expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([204, 'GET, POST']);

  expect((await ask('GET', '/healthz', { headers: ELSEWHERE })).status).toBe(200);
  expect((await ask('GET', '/readyz', { headers: ELSEWHERE })).status).toBe(401);
  const reader = await token('reader', 'tideway_reader', 'default');
  const many = await Promise.all(
    Array.from({ length: 40 }, () => ask('GET', '/api/mappings', { bearer: reader, headers: ELSEWHERE })),
  );
  const refused = many.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]?.headers.get('retry-after')).toBe('1');
  expect(many.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(10);
  expect(daemon.log()).not.toContain(reader.slice(3));
});

test('a request that takes longer than the limit is answered 202 with the run, which goes on', async () => {
  const slow = () => stage.app.fail({ with: { kind: 'delay', milliseconds: 2_500 } });
  const over = (link: string) =>
    waitFor(async () => expect((await ask('GET', link)).body).toMatchObject({ status: 'completed' }));
  slow();
  const one = await ask('POST', '/api/sync/tab/items', { body: {} });
  expect(one).toMatchObject({ status: 202, body: { status: 'running', link: one.headers.get('location') } });
  await over(String(one.body['link']));
  slow();
  const all = await ask('POST', '/api/sync/source/items', { body: {}, headers: { prefer: 'wait=3600' } });
  expect(all).toMatchObject({ status: 202, body: { runs: [{ link: all.headers.get('location') }] } });
  await over(String(all.headers.get('location')));
  slow();
  const tried = await ask('POST', '/api/connections/items/test', { body: {} });
  expect([tried.status, tried.headers.get('location')]).toEqual([202, '/api/connections']);
  await waitFor(async () => expect((await pool.query('select from tideway_private.requests')).rowCount).toBe(0));
});

/** What one sends who does not use a client; the answer as it comes, until the door hangs up. */
function raw(text: string, at = door): Promise<string> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(at);
    const socket = connect(Number(port), hostname, () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

const post = (path: string, body: string, type = 'application/json') =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`;
const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${more}\r\n`;
const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const RESOLVE = `/api/conflicts/${NIL}/resolve`;

test.each([
  ['a body beyond the limit', post('/api/errors/retry', `{"x": "${'x'.repeat(1_100_000)}"}`), 413],
  [
    'a body in pieces beyond the limit',
    `POST /api/errors/retry HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${`10000\r\n${'x'.repeat(65_536)}\r\n`.repeat(17)}0\r\n\r\n`,
    413,
  ],
  ['a webhook beyond the limit', post(`/webhooks/${'0'.repeat(64)}`, 'x'.repeat(1_100_000)), 413],
  ['headers beyond the limit', get('/healthz', `X-Long: ${'x'.repeat(20_000)}\r\n`), 431],
  ['thousands of headers', get('/healthz', 'X-One: 1\r\n'.repeat(5_000)), 431],
  ['an address beyond the limit', get(`/read/${'x'.repeat(20_000)}`), 431],
  ['a name beyond the limit', get(`/read/${'x'.repeat(300)}`), 414],
  ['two lengths', post('/api/errors/retry', '{}').replace('Host:', 'Transfer-Encoding: chunked\r\nHost:'), 400],
  ['no HTTP', 'HELO tideway\r\n\r\n', 400],
  ['half an escape', get('/read/%E0%A4%A'), 400],
  ['a NUL in a name', get('/api/mappings/a%00b/status'), 400],
  ['a NUL in a read', get('/read/items/a%00b'), 404],
  ['a NUL in a query', get('/api/sync/progress?sync_id=a%00b'), 400],
  ['a NUL in a body', post('/api/errors/retry', '{"mapping": "a\\u0000b"}'), 400],
  ['half a surrogate in a body', post('/api/errors/retry', '{"mapping": "a\\ud800b"}'), 404],
  ['a value with a NUL', post(RESOLVE, '{"choice": "value", "value": "\\u0000"}'), 400],
  ['a body nested without end', post(RESOLVE, `{"choice": "value", "value": ${deep(400_000)}}`), 400],
  ['a body nested deeply', post(RESOLVE, `{"choice": "value", "value": ${deep(100)}}`), 400],
  ['brackets in a text', post(RESOLVE, `{"choice": "value", "value": "${'['.repeat(100)}"}`), 404],
  ['__proto__', post('/api/errors/retry', '{"__proto__": {"mapping": "items"}}'), 400],
  ['constructor.prototype', post('/api/errors/retry', '{"constructor": {"prototype": {"x": 1}}}'), 400],
  ['__proto__ as a name', get('/read/__proto__'), 404],
  ['__proto__ as a parameter', get('/api/sync/runs?__proto__[limit]=1'), 400],
  ['a number without end', post('/api/sync/tab/items', '{"row_limit": 1e400}'), 400],
  ['a limit twice', get('/api/sync/runs?limit=1&limit=2'), 400],
  ['a limit that is none', get('/api/sync/runs?limit=1e9'), 400],
  ['half a JSON', post('/api/errors/retry', '{'), 400],
  ['another type', post('/api/errors/retry', '<a/>', 'text/xml'), 415],
  ['a method that is not known', get('/api/mappings').replace('GET', 'DELETE'), 404],
])('%s is refused and harms nobody', async (_what, text, status) => {
  const failures = () => daemon.log().split('"event":"http.request.failed"').length;
  const before = failures();
  expect((await raw(text)).slice(0, 12)).toBe(`HTTP/1.1 ${String(status)}`);
  expect((await ask('GET', '/healthz')).status).toBe(200);
  expect(failures()).toBe(before);
  expect(({} as Json)['mapping']).toBeUndefined();
});

test('what is packed, nested, or named like a prototype does no harm in a webhook either, though it shows the secret', async () => {
  await pool.query(`select tideway.set_webhook_secret('items', 'env:WEBHOOK_SECRET')`);
  const { rows } = await pool.query<{ url: string }>(`select tideway.webhook_url('items') as url`);
  const ring = (body: string | Buffer, headers: Record<string, string> = {}) =>
    fetch(`${door}${rows[0]?.url ?? ''}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', 'x-tideway-secret': SECRET, ...headers },
    });
  const refused = async (body: string | Buffer, headers?: Record<string, string>) => {
    const answer = await ring(body, headers);
    return [answer.status, ((await answer.json()) as Json)['code']];
  };
  const failures = () => daemon.log().split('"event":"http.request.failed"').length;
  const before = failures();
  // A kilobyte for each megabyte that it would be.
  const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024, ' '));
  expect(bomb.length).toBeLessThan(100_000);
  expect(await refused(bomb, { 'content-encoding': 'gzip' })).toEqual([400, 'BAD_RESPONSE']);
  for (const body of [deep(400_000), `{"recordIds": ${deep(400_000)}}`, `{"recordIds": ["${'x'.repeat(900_000)}"]}`])
    expect([body.slice(0, 20), ...(await refused(body))]).toEqual([body.slice(0, 20), 400, 'BAD_RESPONSE']);
  expect((await ring(`{"recordId": "x", "nested": ${deep(400_000)}}`)).status).toBeLessThan(500);
  expect(await refused('{"__proto__": {"recordId": "x"}}')).toEqual([400, 'BAD_RESPONSE']);
  expect((await ring('{"recordId": "x", "__proto__": {"polluted": true}}')).status).toBe(202);
  expect(({} as Json)['polluted']).toBeUndefined();
  expect((await ask('GET', '/healthz')).status).toBe(200);
  expect(failures()).toBe(before);
});

test('no address that a user may give leads to a private one, however it is written, nor by a redirect', async () => {
  await Promise.all(
    privateUrls(canary.port).map(async (url, at) => {
      const name = `inside ${String(at)}`;
      await pool.query(`select tideway.connect($1, 'plain', $2, 'env:PLAIN_TOKEN')`, [name, { base_url: url }]);
      const test = `/api/connections/${encodeURIComponent(name)}/test`;
      const { status, body } = await ask('POST', test, { body: {}, headers: { prefer: 'respond-async' } });
      expect([url, status, body]).toMatchObject([url, 202, {}]);
    }),
  );
  await waitFor(
    async () => {
      const { rows } = await pool.query<{ url: string; error: string | null }>(
        `select config ->> 'base_url' as url, test_error as error from tideway.connections where name like 'inside %'`,
      );
      expect(rows).toHaveLength(privateUrls('1').length);
      for (const { url, error } of rows)
        expect([url, error]).toEqual([url, expect.stringMatching(/public address|is not https|credentials/)]);
    },
    { within: 20_000 },
  );
  for (const location of [`http://127.0.0.1:${canary.port}/`, 'http://169.254.169.254/latest/', '//127.1/']) {
    stage.app.fail({ with: { kind: 'status', status: 307, headers: { location } } });
    const { body } = await ask('POST', '/api/connections/items/test', { body: {} });
    expect([location, body]).toMatchObject([
      location,
      { ok: false, error: expect.stringContaining('was stopped') as string },
    ]);
  }
  stage.edit({ op: 'create', values: { ref: 1, name: 'new', qty: 1 } });
  expect((await ask('POST', '/api/sync/tab/items', { body: {} })).body).toMatchObject({ success: true });
  await waitFor(() => expect(daemon.log().match(/pull\.cache\.untold/g)).toHaveLength(privateUrls('1').length), {
    within: 20_000,
  });
  expect(canary.touched()).toBe(0);
});

test('a token that is signed elsewhere counts only as its keys, its time, its audience and its issuer say', async () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const good = {
    role: 'limits_reader',
    org_id: 'default',
    sub: 'ann',
    aud: 'tideway',
    iss: 'https://auth.example.com',
    exp: Date.now() / 1000 + 600,
  };
  const signed = (claims: Json, { alg = 'RS256', kid = 'k1', key = rsa.privateKey } = {}) => {
    const content = `${part({ alg, kid })}.${part({ ...good, ...claims })}`;
    return `${content}.${sign('sha256', Buffer.from(content), key).toString('base64url')}`;
  };
  const call = async (bearer: string) => {
    const { status, body } = await ask('GET', '/api/mappings', { bearer, headers: ELSEWHERE });
    return status === 200 ? 200 : [status, body['code']];
  };
  expect(await call(signed({}))).toBe(200);
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
  const der = rsa.publicKey.export({ type: 'spki', format: 'der' });
  const { signature } = { signature: signed({}).split('.')[2] ?? '' };
  const forged = {
    'made with the public key as a secret': jwt(pem, good, { kid: 'k1' }),
    'made with the bytes of the public key as a secret': jwt(der, good, { kid: 'k1' }),
    'made with a secret that nobody set': jwt(SECRET, good),
    'not signed': `${part({ alg: 'none' })}.${part(good)}.`,
    'not signed, in capitals': `${part({ alg: 'NONE', kid: 'k1' })}.${part(good)}.`,
    'with another one’s signature': `${part({ alg: 'RS256', kid: 'k1' })}.${part({ ...good, sub: 'eve' })}.${signature}`,
    'by a key that is not published': signed({}, { key: stranger.privateKey }),
    'with an id that is not published': signed({}, { kid: 'k2' }),
    'with an algorithm that its key is not for': signed({}, { alg: 'ES256' }),
    'with an algorithm that is not taken': signed({}, { alg: 'RS512' }),
    over: signed({ exp: 1 }),
    'without an end': signed({ exp: undefined }),
    'not yet valid': signed({ nbf: Date.now() / 1000 + 600 }),
    'for somebody else': signed({ aud: 'elsewhere' }),
    'for nobody': signed({ aud: undefined }),
    'by somebody else': signed({ iss: 'https://evil.example.com' }),
    'by nobody': signed({ iss: undefined }),
  };
  const answers: unknown[] = [];
  for (const [what, bearer] of Object.entries(forged)) answers.push([what, await call(bearer)]);
  expect(answers).toEqual(Object.keys(forged).map((what) => [what, [401, 'AUTH_REQUIRED']]));
  // All of that asked for the keys once; what was exchanged meanwhile is found later (test/unit/http/jwks.test.ts).
  expect(keys.asked()).toBe(1);
});
