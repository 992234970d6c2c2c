import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeEach, expect, onTestFailed, test } from 'vitest';
import { signBody, startWooApp, type WooApp } from '../apps/woocommerce/woo-app.ts';
import { useDatabase } from '../support/database.ts';
import { killDaemons, startDaemon } from '../support/daemon.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { freePort } from '../support/free-port.ts';
import { waitFor } from '../support/wait-for.ts';

const KEY = { consumer_key: 'ck_flow', consumer_secret: 'cs_flow-secret', permission: 'read_write' } as const;

const { pool, url, name } = useDatabase();
const slot = `${name}_slot`;
let app: WooApp;

beforeEach(async () => {
  app = await startWooApp({ keys: [KEY] });
});
afterEach(async () => {
  await killDaemons();
  await app.stop();
});
afterAll(() => dropSlot(pool, slot));

const daemon = async (env: Record<string, string> = {}) => {
  const secret = JSON.stringify({ consumer_key: KEY.consumer_key, consumer_secret: KEY.consumer_secret });
  const started = await startDaemon(url, { TIDEWAY_SLOT: slot, WOO_KEYS: secret, ...env });
  onTestFailed(() => {
    console.error(started.log());
  });
  return started;
};

const shows = (wanted: readonly (readonly [string, string, string])[]) =>
  waitFor(
    () => {
      const rows = app.store
        .all('products')
        .filter(({ status }) => status !== 'trash')
        .map(({ sku, name: title, regular_price: price }) => [sku, title, price] as string[]);
      expect(rows.sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1))).toEqual(wanted);
    },
    { within: 30_000 },
  );

const seen = () =>
  waitFor(
    async () => {
      const { rows } = await pool.query(`select (select count(*) from tideway_private.links where sent is not null)
        + (select count(*) from tideway_private.outbox) + (select count(*) from tideway_private.in_flight) as open`);
      expect(rows).toEqual([{ open: '0' }]);
    },
    { within: 30_000 },
  );

test('rows written in SQL appear in the shop, and a killed daemon doubles and loses none', async () => {
  await pool.query(`create table products (sku text primary key, title text, price numeric(10, 2))`);
  await pool.query(`select tideway.connect('shop', 'woocommerce', $1, 'env:WOO_KEYS')`, [
    { base_url: app.url, requests_per_second: 50, concurrency: 4, request_life: 300 },
  ]);
  await pool.query(`select tideway.map('products', 'shop', 'products', 'products', '[
    {"local": "sku", "remote": "sku"}, {"local": "title", "remote": "name"}, {"local": "price", "remote": "regular_price", "type": "number"}
  ]', direction => 'push', options => '{"retry_base": "100 ms", "retry_cap": "1 s"}')`);
  await pool.query(`select tideway.activate('products')`);

  const first = await daemon();
  await pool.query(`insert into products values ('a', 'Chair', 4.50), ('b', 'Lamp', 9), ('c', 'Bed', 120)`);
  await shows([
    ['a', 'Chair', '4.5'],
    ['b', 'Lamp', '9'],
    ['c', 'Bed', '120'],
  ]);
  await seen();
  await pool.query(`update products set price = 5 where sku = 'a'; delete from products where sku = 'b'`);
  await shows([
    ['a', 'Chair', '5'],
    ['c', 'Bed', '120'],
  ]);
  await seen();
  await first.stop();

  await pool.query(`insert into products values ('d', 'Desk', 2)`);
  const doomed = await daemon({ TIDEWAY_FAILPOINT: 'push.answered' });
  expect(await doomed.ended).toBe('SIGKILL');
  // The create was answered and forgotten: its SKU finds it again once the request can no longer be under way.
  await pool.query(`update tideway_private.links set sent_until = clock_timestamp() where sent is not null;
                    update tideway_private.waiting set due_at = clock_timestamp()`);
  await daemon();
  await waitFor(async () => {
    await pool.query(`update tideway_private.links set sent_until = clock_timestamp() where sent is not null and sent_until > clock_timestamp();
                      update tideway_private.waiting set due_at = clock_timestamp() where due_at > clock_timestamp()`);
    const { rows } = await pool.query(
      `select from tideway_private.links where local_key = 'd' and remote_id is not null`,
    );
    expect(rows).toHaveLength(1);
  });
  await shows([
    ['a', 'Chair', '5'],
    ['c', 'Bed', '120'],
    ['d', 'Desk', '2'],
  ]);
  expect(app.effects().filter(({ op, kind }) => op === 'create' && kind === 'products')).toHaveLength(4);
});

const holds = (table: string, wanted: readonly (readonly [string, string | null, string | null])[]) =>
  waitFor(
    async () => {
      const { rows } = await pool.query({
        text: `select sku, title, price from ${table} order by sku`,
        rowMode: 'array',
      });
      expect(rows).toEqual(wanted);
    },
    { within: 30_000 },
  );

async function mapped(table: string, direction: string, options: Record<string, unknown>): Promise<void> {
  await pool.query(`create table ${table} (sku text primary key, title text, price numeric(10, 2))`);
  await pool.query(`select tideway.connect($1, 'woocommerce', $2, 'env:WOO_KEYS')`, [
    table,
    { base_url: app.url, requests_per_second: 50, concurrency: 4, request_life: 300 },
  ]);
  await pool.query(
    `select tideway.map($1::text, $1::text, 'products', $1::text::regclass, '[{"local": "sku", "remote": "sku"}, {"local": "title", "remote": "name"},
       {"local": "price", "remote": "regular_price", "type": "number", "conflict": "manual"}]', direction => $2, options => $3)`,
    [table, direction, { retry_base: '100 ms', retry_cap: '1 s', sweep_schedule: 'manual', ...options }],
  );
  await pool.query(`select tideway.activate($1)`, [table]);
}

const make = (sku: string, title: string, price: string): number =>
  app.store.create('products', { sku, name: title, regular_price: price }, 'person').id;

test('what people do in the shop arrives, both sides follow each other, and a price changed on both waits for a person', async () => {
  const [chair, lamp, bed] = [make('a', 'Chair', '4.50'), make('b', 'Lamp', '9'), make('c', 'Bed', '120')];
  await mapped('inward', 'both', { match_on: ['sku'], schedule: '1 s', settle: '5 s' });
  await daemon();
  await holds('inward', [
    ['a', 'Chair', '4.50'],
    ['b', 'Lamp', '9.00'],
    ['c', 'Bed', '120.00'],
  ]);
  make('d', 'Desk', '70');
  app.edit('products', chair, { name: 'Armchair' });
  app.remove('products', lamp, 'trash');
  await pool.query(`update inward set price = 5 where sku = 'a'`);
  const both: [string, string, string][] = [
    ['a', 'Armchair', '5.00'],
    ['c', 'Bed', '120.00'],
    ['d', 'Desk', '70.00'],
  ];
  await holds('inward', both);
  await shows(both.map(([sku, title, price]) => [sku, title, String(Number(price))]));
  await seen();

  // While the row rests a read finds what changed there meanwhile.
  app.edit('products', bed, { regular_price: '130', name: 'Box bed' });
  await pool.query(`update inward set price = 99 where sku = 'c'`);
  const conflict = await waitFor(
    async () => {
      const { rows } = await pool.query<{ id: string }>(
        `select id, "column", local_value, remote_value from tideway.open_conflicts where mapping = 'inward' and local_key = 'c'`,
      );
      expect(rows).toMatchObject([{ column: 'price', local_value: 99, remote_value: 130 }]);
      return rows[0]?.id;
    },
    { within: 30_000 },
  );
  await pool.query(`select tideway.resolve_conflict($1, 'local')`, [conflict]);
  await holds('inward', [
    ['a', 'Armchair', '5.00'],
    ['c', 'Box bed', '99.00'],
    ['d', 'Desk', '70.00'],
  ]);
  await shows([
    ['a', 'Armchair', '5'],
    ['c', 'Box bed', '99'],
    ['d', 'Desk', '70'],
  ]);
  await seen();

  // Deleted for good leaves no trace that a poll could find.
  app.remove('products', chair);
  await pool.query(`select tideway.sync_now('inward', 'sweep')`);
  await holds('inward', [
    ['c', 'Box bed', '99.00'],
    ['d', 'Desk', '70.00'],
  ]);
  // What came in did not go out again.
  expect(app.effects().filter(({ kind }) => kind === 'products')).toMatchObject([
    { op: 'update', id: chair },
    { op: 'update', id: bed },
  ]);
});

test('a signed delivery wakes a read of the product that it names, and a forged one is refused', async () => {
  const chair = make('a', 'Chair', '4.50');
  await mapped('rung', 'pull', { schedule: '1 h' });
  const port = await freePort();
  await daemon({
    TIDEWAY_HTTP_PORT: String(port),
    TIDEWAY_PUBLIC_URL: `http://127.0.0.1:${String(port)}/`,
    TIDEWAY_SEAL_KEY: `k1:${randomBytes(32).toString('base64')}`,
  });
  await holds('rung', [['a', 'Chair', '4.50']]);
  await waitFor(() => {
    expect(app.store.all('webhooks')).toHaveLength(4);
  });
  app.takeDeliveries();
  app.edit('products', chair, { name: 'Armchair' });
  const [delivery] = app.takeDeliveries();
  if (!delivery) throw new Error('nothing is delivered');
  const send = async (headers: Readonly<Record<string, string>>) =>
    (await fetch(delivery.url, { method: 'POST', body: delivery.body, headers })).status;
  expect(await send({ ...delivery.headers, 'x-wc-webhook-signature': signBody(delivery.body, 'forged') })).toBe(401);
  await waitFor(async () => expect(await send(delivery.headers)).toBeLessThan(300));
  await holds('rung', [['a', 'Armchair', '4.50']]);
});
