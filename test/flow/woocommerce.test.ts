import { afterAll, afterEach, beforeEach, expect, onTestFailed, test } from 'vitest';
import { startWooApp, type WooApp } from '../apps/woocommerce/woo-app.ts';
import { useDatabase } from '../support/database.ts';
import { killDaemons, startDaemon } from '../support/daemon.ts';
import { dropSlot } from '../support/drop-slot.ts';
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
    { base_url: app.url, requests_per_second: 50, concurrency: 4 },
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
