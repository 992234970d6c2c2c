import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { Fault, type FaultFacts } from '../../../src/model/fault.ts';
import { monotonicClock } from '../../../src/runtime/clock.ts';
import {
  createHttpClient,
  type Exchange,
  type HttpClientOptions,
  type HttpRequest,
} from '../../../src/runtime/http-client.ts';
import { createLimiter } from '../../../src/runtime/rate-limit.ts';

const SECRET = 'tok/en+with=signs';
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function serve(listener: RequestListener): Promise<{ url: string; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server: Server = createServer((request, response) => {
    seen.push(request);
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, seen };
}

function client(origin: string, options: Partial<HttpClientOptions> = {}) {
  const made = createHttpClient({
    origins: [origin],
    secrets: [SECRET],
    egress: { allow: [new URL(origin).host] },
    lane: 'pull',
    limiter: createLimiter({ requestsPerSecond: 1000, burst: 100, concurrency: 10 }, monotonicClock),
    signal: new AbortController().signal,
    ...options,
  });
  closing.push(() => made.close());
  return made;
}

const get = (url: string): HttpRequest => ({ method: 'GET', url, headers: { authorization: `Bearer ${SECRET}` } });
const post = (url: string): HttpRequest => ({ ...get(url), method: 'POST', json: { a: 1 } });

async function factsOf(work: Promise<unknown>): Promise<FaultFacts> {
  const error: unknown = await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Fault)) throw error;
  expect(`${error.message} ${JSON.stringify(error.facts)}`).not.toContain(SECRET);
  return error.facts;
}

test('an answer of any status is an answer', async () => {
  const { url, seen } = await serve((_request, response) =>
    response.writeHead(418, { 'X-Thing': 'a' }).end('{"n":12345678901234567890}'),
  );
  const answer = await client(url).send(post(`${url}/pot?x=1`));
  expect([answer.status, answer.headers['x-thing'], answer.json()]).toEqual([418, 'a', { n: '12345678901234567890' }]);
  expect(seen[0]).toMatchObject({
    method: 'POST',
    url: '/pot?x=1',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${SECRET}` },
  });
});

describe('a body', () => {
  const answering = async (body: string | Buffer, headers: Record<string, string> = {}) => {
    const { url } = await serve((_request, response) => response.writeHead(200, headers).end(body));
    return client(url, { maxBytes: 1000 }).send(get(url));
  };

  test('with a byte order mark, or packed, is read', async () => {
    expect((await answering('\uFEFF{"a":1}')).json()).toEqual({ a: 1 });
    expect((await answering(gzipSync('{"a":1}'), { 'content-encoding': 'gzip' })).json()).toEqual({ a: 1 });
  });

  test.for<[string, string | Buffer, string]>([
    ['that is empty', '', 'empty'],
    ['that is a web page', '<!doctype html><title>Log in</title>', 'a web page'],
    ['that is cut off', '{"records":[{"id":1},', 'ends too early'],
    ['that is not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'not UTF-8'],
    ['that is nested too deeply', '['.repeat(500) + ']'.repeat(500), 'nested deeper'],
  ])('%s is a BAD_RESPONSE that says so', async ([, body, words]) => {
    const answer = await answering(body);
    expect(() => answer.json()).toThrow(words);
    expect(await factsOf(Promise.resolve().then(() => answer.json()))).toMatchObject({
      code: 'BAD_RESPONSE',
      retryable: true,
      uncertain: false,
    });
  });

  test('larger than the cap is not read to its end, packed or not', async () => {
    expect(await factsOf(answering('x'.repeat(1001)))).toMatchObject({ code: 'RESPONSE_TOO_LARGE' });
    expect(await factsOf(answering(gzipSync('x'.repeat(1_000_000)), { 'content-encoding': 'gzip' }))).toMatchObject({
      code: 'RESPONSE_TOO_LARGE',
    });
  });
});

describe('a failure', () => {
  test.for<[string, RequestListener, Partial<HttpClientOptions>, string]>([
    ['a reset', (request) => request.socket.resetAndDestroy(), {}, 'CONNECTION_LOST'],
    [
      'an answer cut off',
      (request, response) =>
        void response.writeHead(200, { 'content-length': '100' }).write('{', () => request.socket.destroy()),
      {},
      'CONNECTION_LOST',
    ],
    ['silence', () => undefined, { deadline: 50 }, 'TIMEOUT'],
    [
      'silence in the middle',
      (_request, response) => void response.writeHead(200).write('{'),
      { deadline: 50 },
      'TIMEOUT',
    ],
    ['a drip', drip, { deadline: 80 }, 'TIMEOUT'],
  ])('of %s is uncertain for a write and repeatable for a read', async ([, listener, options, code]) => {
    const { url } = await serve(listener);
    expect(await factsOf(client(url, options).send(post(url)))).toMatchObject({
      code,
      uncertain: true,
      retryable: true,
    });
    expect(await factsOf(client(url, options).send(get(url)))).toMatchObject({
      code,
      uncertain: false,
      retryable: true,
    });
    expect(await factsOf(client(url, options).send({ ...post(url), safe: true }))).toMatchObject({
      code,
      uncertain: false,
    });
  });

  test('to connect is certain: nothing was sent', async () => {
    expect(await factsOf(client('http://127.0.0.1:1').send(post('http://127.0.0.1:1')))).toMatchObject({
      code: 'CONNECTION_FAILED',
      uncertain: false,
      retryable: true,
    });
  });

  test('to find the host is a DNS_ERROR', async () => {
    const missing = client('https://api.example.com', {
      resolve: (_name, callback) => {
        callback(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []);
      },
    });
    expect(await factsOf(missing.send(post('https://api.example.com/')))).toMatchObject({
      code: 'DNS_ERROR',
      uncertain: false,
      retryable: true,
    });
  });

  test('to speak TLS is a TLS_ERROR that waiting does not mend', async () => {
    const { url } = await serve((_request, response) => response.end());
    const secure = url.replace('http:', 'https:');
    expect(await factsOf(client(secure).send(post(secure)))).toMatchObject({
      code: 'TLS_ERROR',
      uncertain: false,
      retryable: false,
    });
  });

  test('by being stopped ends at once', async () => {
    const stop = new AbortController();
    const { url } = await serve(() => {
      stop.abort();
    });
    expect(await factsOf(client(url, { signal: stop.signal }).send(post(url)))).toMatchObject({
      code: 'CONNECTION_LOST',
      uncertain: true,
    });
  });
});

describe('a redirect', () => {
  const moved =
    (location: string, status = 302) =>
    (request: IncomingMessage, response: ServerResponse) => {
      if (request.url === '/there') response.end('{"here":true}');
      else response.writeHead(status, { location }).end();
    };

  test('on the same host is followed, for a write only when it stays that write', async () => {
    const { url } = await serve(moved('/there'));
    expect((await client(url).send(get(`${url}/here`))).json()).toEqual({ here: true });
    expect((await client(url).send(post(`${url}/here`))).status).toBe(302);
    const kept = await serve(moved('/there', 307));
    await client(kept.url).send(post(`${kept.url}/here`));
    expect(kept.seen.map(({ method }) => method)).toEqual(['POST', 'POST']);
  });

  test.for(['http://169.254.169.254/latest', 'https://elsewhere.example.com/', '//127.0.0.1:2/x'])(
    'to %s is blocked, and the secret stays',
    async (location) => {
      const { url } = await serve(moved(location));
      expect(await factsOf(client(url).send(get(url)))).toMatchObject({ code: 'EGRESS_BLOCKED', retryable: false });
    },
  );

  test('to another port of the same host does not get the secret either', async () => {
    const other = await serve((_request, response) => response.end('{}'));
    const { url } = await serve(moved(`${other.url}/x`));
    expect(await factsOf(client(url, { egress: { allow: ['127.0.0.1'] } }).send(get(url)))).toMatchObject({
      code: 'EGRESS_BLOCKED',
    });
    expect(other.seen).toHaveLength(0);
  });

  test('in a circle ends', async () => {
    const { url, seen } = await serve(moved('/round'));
    expect((await client(url).send(get(url))).status).toBe(302);
    expect(seen).toHaveLength(4);
  });
});

describe('the fault of an answer', () => {
  test.for([
    [401, 'AUTH_EXPIRED', false, false],
    [403, 'PERMISSION_DENIED', false, false],
    [404, 'REQUEST_REFUSED', false, false],
    [409, 'CONFLICT', false, false],
    [413, 'PAYLOAD_TOO_LARGE', false, false],
    [422, 'REQUEST_REFUSED', false, false],
    [429, 'RATE_LIMITED', true, false],
    [500, 'SERVER_ERROR', true, true],
    [503, 'SERVER_ERROR', true, true],
  ] as const)('%i is %s, retryable %s, uncertain for a write %s', async ([status, code, retryable, uncertain]) => {
    const { url } = await serve((_request, response) => response.writeHead(status, { 'retry-after': '2' }).end());
    const answer = await client(url).send(post(`${url}/things`));
    expect(answer.fault().facts).toMatchObject({ status, code, retryable, uncertain, retryAfter: 2000 });
    expect(answer.fault().message).toContain(`POST ${url}/things answered ${String(status)}`);
  });

  test('says what the app said, without the secret in any form', async () => {
    const { url } = await serve((_request, response) => response.writeHead(400).end());
    const answer = await client(url).send(get(`${url}/${encodeURIComponent(SECRET)}`));
    const message = answer.fault(
      `bad token ${SECRET}, ${encodeURIComponent(SECRET)}, ${Buffer.from(SECRET).toString('base64')}`,
    ).message;
    expect(message).toContain('bad token [secret], [secret], [secret]');
    expect(message).not.toContain(encodeURIComponent(SECRET));
  });
});

test('a 429 holds the next request back for as long as the app asked', async () => {
  const news: unknown[] = [];
  const limiter = {
    acquire: async () =>
      Promise.resolve({
        settle: (said: unknown) => {
          news.push(said);
        },
      }),
  };
  const { url } = await serve((_request, response) => response.writeHead(429, { 'retry-after': '30' }).end());
  await client(url, { limiter }).send(get(url));
  await client(url, { limiter }).send({ ...get(url), readBudget: () => ({ points: { available: 3 } }) });
  expect(news).toEqual([
    { throttled: { retryAfter: 30_000 } },
    { throttled: { retryAfter: 30_000 }, points: { available: 3 } },
  ]);
});

test('every exchange is told to the metrics, without its path', async () => {
  const exchanges: Exchange[] = [];
  const { url } = await serve((_request, response) => response.end('12345'));
  const made = client(url, { onExchange: (exchange) => exchanges.push(exchange) });
  await made.send(get(`${url}/private`));
  await factsOf(made.send(get('https://elsewhere.example.com/private')));
  expect(exchanges).toMatchObject([
    { lane: 'pull', method: 'GET', origin: url, outcome: 200, bytes: 5 },
    { outcome: 'EGRESS_BLOCKED', bytes: 0 },
  ]);
  expect(JSON.stringify(exchanges)).not.toContain('private');
});

function drip(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200);
  const timer = setInterval(() => response.write('x'), 10);
  response.on('close', () => {
    clearInterval(timer);
  });
}
