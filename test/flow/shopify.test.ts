import { afterAll, afterEach, beforeEach, expect, onTestFailed, test } from 'vitest';
import { startShopifyApp, type ShopifyApp } from '../apps/shopify/shopify-app.ts';
import { useDatabase } from '../support/database.ts';
import { killDaemons, startDaemon, type RunningDaemon } from '../support/daemon.ts';
import { waitFor } from '../support/wait-for.ts';

const TOKEN = 'shpat_5577e0b4d2a3f91c';
const db = useDatabase();
const slot = `${db.name}_slot`;
let app: ShopifyApp;

beforeEach(async () => {
  app = await startShopifyApp({ token: TOKEN });
});
afterEach(async () => {
  await killDaemons();
  await app.stop();
});
afterAll(async () => {
  await waitFor(() =>
    db.pool.query(`select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1`, [slot]),
  );
});

async function daemon(env: Record<string, string> = {}): Promise<RunningDaemon> {
  const running = await startDaemon(db.url, { TIDEWAY_SLOT: slot, SHOPIFY_SECRET: TOKEN, ...env });
  onTestFailed(() => {
    console.error(running.log());
  });
  return running;
}

const shown = (): unknown[] =>
  [...app.store.products.values()]
    .map(({ handle, title, tags }) => [handle, title, tags])
    .sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));

test('rows written in SQL appear in the shop, once each, whatever kills the daemon', async () => {
  const first = await daemon();
  await waitFor(async () => {
    const { rows } = await db.pool.query(`select from tideway.systems where system = 'shopify'`);
    expect(rows).toHaveLength(1);
  });
  await db.pool.query(`create table goods (handle text primary key, title text, tags jsonb)`);
  await db.pool.query(`select tideway.connect('shop', 'shopify', $1, 'env:SHOPIFY_SECRET')`, [
    { shop: app.shop, base_url: app.url, bulk_url: app.url },
  ]);
  await db.pool.query(
    `select tideway.map('goods', 'shop', 'products', 'goods', $1::jsonb, direction => 'push', options => $2)`,
    [
      JSON.stringify([
        { local: 'handle', remote: 'handle' },
        { local: 'title', remote: 'title' },
        { local: 'tags', remote: 'tags', type: 'json' },
      ]),
      { retry_base: '100 ms', retry_cap: '1 s' },
    ],
  );
  await db.pool.query(`select tideway.activate('goods')`);
  await db.pool.query(`insert into goods values ('mug', 'Mug', '["b", "a"]'), ('cup', 'Cup', '[]')`);
  await waitFor(() => {
    expect(shown()).toEqual([
      ['cup', 'Cup', []],
      ['mug', 'Mug', ['a', 'b']],
    ]);
  });
  await first.stop();

  await db.pool.query(`
    insert into goods values ('can', 'Can', '["c"]');
    update goods set title = 'Large mug' where handle = 'mug';
    delete from goods where handle = 'cup'`);
  // What is written reaches the shop; the daemon dies before it can note that.
  const doomed = await daemon({ TIDEWAY_FAILPOINT: 'push.answered' });
  expect(await doomed.ended).toBe('SIGKILL');
  await daemon();
  await waitFor(
    () => {
      expect(shown()).toEqual([
        ['can', 'Can', ['c']],
        ['mug', 'Large mug', ['a', 'b']],
      ]);
    },
    { within: 60_000 },
  );
  expect(app.journal().filter(({ op }) => op === 'create')).toHaveLength(3);
});
