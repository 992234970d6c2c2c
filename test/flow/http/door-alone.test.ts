import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDoor, type Door } from '../../../src/http/door.ts';
import { createJwks } from '../../../src/http/jwks.ts';
import { createServerClock, monotonicClock } from '../../../src/runtime/clock.ts';
import { createLog } from '../../../src/runtime/log.ts';
import { createMetrics } from '../../../src/runtime/metrics.ts';
import { openDatabase, type Database } from '../../../src/sql/database.ts';
import { useDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import { asker, ELSEWHERE, tokens } from './caller.ts';

const { url, pool } = useDatabase();
let database: Database;
let door: Door;
/** Nobody listens there. */
const jwks = createJwks({
  url: 'http://127.0.0.1:1/jwks.json',
  egress: { allow: ['127.0.0.1:1'] },
  clock: monotonicClock,
});

/** The door alone, in this process, with limits that a test can wait for. */
beforeAll(async () => {
  database = openDatabase({ url, part: 'http', role: 'tideway_daemon', connections: 2 });
  door = await openDoor({
    host: '127.0.0.1',
    port: 0,
    slot: 'none',
    database,
    metrics: createMetrics({ version: 'test' }),
    clock: createServerClock(monotonicClock),
    log: createLog({ level: 'silent', format: 'json' }),
    openTarget: () => Promise.resolve(undefined),
    jwt: { secret: undefined, findKeys: jwks.find, audience: undefined, issuer: undefined },
    open: 'healthz',
    origins: '',
    rate: 100,
    patience: 25_000,
    arriveWithin: 600,
    mostSockets: 20,
  });
});

afterAll(async () => {
  await door.close();
  await jwks.close();
  await database.end({ timeout: 2 });
});

function open() {
  const { hostname, port } = new URL(door.url);
  const socket: Socket = connect(Number(port), hostname);
  const seen = { text: '', closed: false };
  socket.on('data', (chunk: Buffer) => (seen.text += chunk.toString()));
  socket.on('error', () => {});
  socket.on('close', () => (seen.closed = true));
  return { socket, seen };
}

const HEAD = 'POST /api/errors/retry HTTP/1.1\r\nHost: localhost\r\n';
const isWell = async () => (await fetch(`${door.url}/healthz`, { headers: { connection: 'close' } })).status === 200;

test.each([
  ['says nothing', '', ''],
  ['never ends its headers', HEAD, 'X-One: 1\r\n'],
  ['never ends its body', `${HEAD}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`, ' '],
])('who %s is hung up on, although a byte comes now and then', async (_what, begin, drip) => {
  const { socket, seen } = open();
  socket.write(begin);
  const dripping = setInterval(() => void (drip !== '' && !socket.destroyed && socket.write(drip)), 50);
  try {
    await waitFor(() => seen.closed);
    expect(seen.text.slice(0, 12)).toMatch(/^(HTTP\/1.1 408)?$/);
    expect(await isWell()).toBe(true);
  } finally {
    clearInterval(dripping);
    socket.destroy();
  }
});

test('connections beyond the limit are hung up on, and the next ones are served', async () => {
  const idle = Array.from({ length: 40 }, open);
  await waitFor(() => idle.filter(({ seen }) => seen.closed).length >= 20);
  for (const { socket } of idle) socket.destroy();
  await waitFor(isWell);
});

test('while keys cannot be read the caller is told to come again, and others go on', async () => {
  const ask = asker(door.url);
  const part = Buffer.from(JSON.stringify({ alg: 'RS256', exp: 1 })).toString('base64url');
  const refused = await ask('GET', '/api/mappings', { bearer: `${part}.${part}.x`, headers: ELSEWHERE });
  expect([refused.status, refused.body['code'], refused.headers.get('retry-after')]).toEqual([
    503,
    'KEYS_UNAVAILABLE',
    '5',
  ]);
  expect(refused.text).not.toContain('127.0.0.1');
  const reader = await tokens(pool)('away', 'tideway_reader', 'default');
  expect((await ask('GET', '/api/mappings', { bearer: reader, headers: ELSEWHERE })).status).toBe(200);
});
