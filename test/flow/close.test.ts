import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeEach, expect, onTestFailed, test } from 'vitest';
import { startCloseApp, type CloseApp } from '../apps/close/close-app.ts';
import { killDaemons, startDaemon } from '../support/daemon.ts';
import { useDatabase } from '../support/database.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { waitFor } from '../support/wait-for.ts';

const KEY = 'api_flow.secret-5577';
const COLUMNS = JSON.stringify([
  { local: 'key', remote: 'custom.cf_leadKey' },
  { local: 'name', remote: 'name' },
  { local: 'size', remote: 'custom.cf_size', type: 'number' },
]);

const { pool, url, name } = useDatabase();
const slot = `${name}_slot`;
let app: CloseApp;

beforeEach(async () => {
  app = await startCloseApp({ key: KEY });
});
afterEach(async () => {
  await killDaemons();
  await app.stop();
});
afterAll(() => dropSlot(pool, slot));

const daemon = async (env: Record<string, string> = {}) => {
  const started = await startDaemon(url, { TIDEWAY_SLOT: slot, CLOSE_KEY: KEY, ...env });
  onTestFailed(() => {
    console.error(started.log());
  });
  return started;
};

/** A mapped table of leads, in an account of its own. */
const stage = async (table: string, direction: string, options: Readonly<Record<string, unknown>> = {}) => {
  await pool.query(`create table ${table} (key text primary key, name text, size numeric)`);
  await pool.query(`select tideway.connect($1, 'close', $2, 'env:CLOSE_KEY')`, [
    table,
    { base_url: app.url, requests_per_second: 100, index_lag: 0, request_life: 300 },
  ]);
  await pool.query(
    `select tideway.map($1::text, $1::text, 'leads', $1::text::regclass, $2::jsonb, direction => $3, options => $4)`,
    [table, COLUMNS, direction, { retry_base: '100 ms', retry_cap: '1 s', ...options }],
  );
  await pool.query(`select tideway.activate($1)`, [table]);
};

const shows = (wanted: readonly unknown[][]) =>
  waitFor(
    () => {
      const rows = app.store
        .all('lead')
        .map((lead) => [lead['custom.cf_leadKey'], lead['name'], lead['custom.cf_size']]);
      expect(rows.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))).toEqual(wanted);
    },
    { within: 30_000 },
  );

const holds = (table: string, wanted: readonly unknown[][]) =>
  waitFor(
    async () => {
      const { rows } = await pool.query({
        text: `select key, name, size from ${table} order by key`,
        rowMode: 'array',
      });
      expect(rows).toEqual(wanted);
    },
    { within: 30_000 },
  );

const settled = () =>
  waitFor(
    async () => {
      const { rows } = await pool.query(`select (select count(*) from tideway_private.links where sent is not null)
        + (select count(*) from tideway_private.outbox) + (select count(*) from tideway_private.in_flight) as open`);
      expect(rows).toEqual([{ open: '0' }]);
    },
    { within: 30_000 },
  );

test('rows written in SQL appear as leads, and a killed daemon doubles and loses none', async () => {
  await stage('prospects', 'push');
  const first = await daemon();
  await pool.query(`insert into prospects values ('a', 'Acme', 4.5), ('b', 'Bolt', null), ('c', 'Core', 120)`);
  await shows([
    ['a', 'Acme', 4.5],
    ['b', 'Bolt', undefined],
    ['c', 'Core', 120],
  ]);
  await settled();
  await pool.query(`update prospects set size = 5 where key = 'a'; delete from prospects where key = 'b'`);
  await shows([
    ['a', 'Acme', 5],
    ['c', 'Core', 120],
  ]);
  await settled();
  await first.stop();

  await pool.query(`insert into prospects values ('d', 'Dune', 2)`);
  const doomed = await daemon({ TIDEWAY_FAILPOINT: 'push.answered' });
  expect(await doomed.ended).toBe('SIGKILL');
  await daemon();
  await waitFor(
    async () => {
      const { rows } = await pool.query(
        `select from tideway_private.links where local_key = 'd' and remote_id is not null`,
      );
      expect(rows).toHaveLength(1);
    },
    { within: 60_000 },
  );
  await shows([
    ['a', 'Acme', 5],
    ['c', 'Core', 120],
    ['d', 'Dune', 2],
  ]);
  expect(app.effects().filter(({ op }) => op === 'create')).toHaveLength(4);
});

test('leads of the app become rows, both sides follow each other, and what is gone goes', async () => {
  const make = (key: string, title: string) =>
    app.store.create('lead', { name: title, 'custom.cf_leadKey': key }, 'person').id;
  const [first, second] = [make('x', 'Xenon'), make('y', 'Yard')];
  await stage('partners', 'both', { match_on: ['key'], schedule: '1 s', sweep_schedule: 'manual' });
  const running = await daemon();
  await holds('partners', [
    ['x', 'Xenon', null],
    ['y', 'Yard', null],
  ]);
  await pool.query(`insert into partners values ('z', 'Zinc', 7)`);
  await shows([
    ['x', 'Xenon', undefined],
    ['y', 'Yard', undefined],
    ['z', 'Zinc', 7],
  ]);
  app.edit('lead', first, { name: 'Xylo' });
  await pool.query(`update partners set size = 3 where key = 'x'`);
  await shows([
    ['x', 'Xylo', 3],
    ['y', 'Yard', undefined],
    ['z', 'Zinc', 7],
  ]);
  await holds('partners', [
    ['x', 'Xylo', '3'],
    ['y', 'Yard', null],
    ['z', 'Zinc', '7'],
  ]);
  await running.stop();
  app.remove('lead', second);
  await daemon();
  await holds('partners', [
    ['x', 'Xylo', '3'],
    ['z', 'Zinc', '7'],
  ]);
  await settled();
  // Nothing came back as an echo.
  expect(app.effects().map(({ op, body }) => [op, ...Object.keys(body).sort()])).toEqual([
    ['create', 'custom.cf_leadKey', 'custom.cf_size', 'name'],
    ['update', 'custom.cf_size'],
  ]);
});

async function freePort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return String(typeof address === 'object' ? address?.port : '');
}

test('a signed delivery wakes a read of the lead that it names, and a forged one is refused', async () => {
  const lead = app.store.create('lead', { name: 'Xenon', 'custom.cf_leadKey': 'x' }, 'person').id;
  await stage('rung', 'pull', { schedule: '1 h', sweep_schedule: 'manual' });
  const port = await freePort();
  await daemon({
    TIDEWAY_HTTP_PORT: port,
    TIDEWAY_PUBLIC_URL: `http://127.0.0.1:${port}/`,
    TIDEWAY_SEAL_KEY: `k1:${randomBytes(32).toString('base64')}`,
  });
  await holds('rung', [['x', 'Xenon', null]]);
  await waitFor(() => {
    expect(app.hooks()).toHaveLength(1);
  });
  app.takeDeliveries();
  app.edit('lead', lead, { name: 'Xylo' });
  const [delivery] = app.takeDeliveries();
  if (!delivery) throw new Error('nothing is delivered');
  const send = async (headers: Readonly<Record<string, string>>) =>
    (await fetch(delivery.url, { method: 'POST', body: delivery.body, headers })).status;
  const { 'close-sig-hash': hash = '' } = delivery.headers;
  expect(await send({ ...delivery.headers, 'close-sig-hash': hash.replace(/./, 'x') })).toBeGreaterThanOrEqual(400);
  await waitFor(async () => expect(await send(delivery.headers)).toBeLessThan(300));
  await holds('rung', [['x', 'Xylo', null]]);
});
