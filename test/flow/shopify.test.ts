import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeEach, expect, onTestFailed, test } from 'vitest';
import { startShopifyApp, type ShopifyApp } from '../apps/shopify/shopify-app.ts';
import { useDatabase } from '../support/database.ts';
import { killDaemons, startDaemon, type RunningDaemon } from '../support/daemon.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { waitFor } from '../support/wait-for.ts';

const TOKEN = 'shpat_5577e0b4d2a3f91c';
const CLIENT_SECRET = 'shpss_test_secret';
const SECRET = JSON.stringify({ access_token: TOKEN, client_secret: CLIENT_SECRET });
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
afterAll(() => dropSlot(db.pool, slot));

async function daemon(env: Record<string, string> = {}): Promise<RunningDaemon> {
  const running = await startDaemon(db.url, { TIDEWAY_SLOT: slot, SHOPIFY_SECRET: SECRET, ...env });
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
    { shop: app.shop, base_url: app.url, bulk_url: app.url, index_lag: 0, request_life: 300 },
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

const make = (handle: string, title: string): string => {
  const { productSet } = app.person(
    'mutation($p: ProductSetInput!){productSet(input:$p){product{id} userErrors{message}}}',
    { p: { handle, title } },
  ) as { productSet: { product: { id: string } } };
  return productSet.product.id;
};
const retitle = (id: string, title: string): void => {
  app.person('mutation($p: ProductUpdateInput!){productUpdate(product:$p){userErrors{message}}}', { p: { id, title } });
};

/** A mapped table of products in a connection of its own. */
const stage = async (table: string, direction: string, options: Readonly<Record<string, unknown>>): Promise<void> => {
  await db.pool.query(`create table ${table} (handle text primary key, title text)`);
  await db.pool.query(`select tideway.connect($1, 'shopify', $2, 'env:SHOPIFY_SECRET')`, [
    table,
    { shop: app.shop, base_url: app.url, bulk_url: app.url, index_lag: 0, request_life: 300 },
  ]);
  await db.pool.query(
    `select tideway.map($1::text, $1::text, 'products', $1::text::regclass, $2::jsonb, direction => $3, options => $4)`,
    [
      table,
      JSON.stringify([
        { local: 'handle', remote: 'handle' },
        { local: 'title', remote: 'title' },
      ]),
      direction,
      options,
    ],
  );
  await db.pool.query(`select tideway.activate($1)`, [table]);
};

const holds = (table: string, wanted: readonly unknown[][]): Promise<void> =>
  waitFor(
    async () => {
      const { rows } = await db.pool.query({ text: `select handle, title from ${table} order by 1`, rowMode: 'array' });
      expect(rows).toEqual(wanted);
    },
    { within: 40_000 },
  );

const runsOf = async (table: string) =>
  (
    await db.pool.query<{ id: string; kind: string; status: string; deleted: number }>(
      `select r.id, r.kind, r.status, r.rows_deleted::int as deleted from tideway.sync_runs r
         join tideway.mappings m on m.id = r.mapping_id where m.name = $1 order by r.created_at`,
      [table],
    )
  ).rows;

const bulks = (): number => app.documents().filter((document) => document.includes('bulkOperationRunQuery')).length;

test('a first read is one bulk operation though the daemon dies, polls bring changes, a sweep finds deletions', async () => {
  await app.stop();
  app = await startShopifyApp({ token: TOKEN, bulkPolls: 2 });
  const [mug, cup] = [make('mug', 'Mug'), make('cup', 'Cup')];
  await stage('inward', 'both', { match_on: ['handle'], schedule: '1 s', sweep_schedule: 'manual' });
  const doomed = await daemon({ TIDEWAY_FAILPOINT: 'pull.applied' });
  expect(await doomed.ended).toBe('SIGKILL');
  await daemon();
  await holds('inward', [
    ['cup', 'Cup'],
    ['mug', 'Mug'],
  ]);
  await waitFor(async () => expect((await runsOf('inward'))[0]).toMatchObject({ status: 'completed' }), {
    within: 40_000,
  });
  expect(bulks()).toBe(1);

  retitle(mug, 'Large mug');
  make('can', 'Can');
  await holds('inward', [
    ['can', 'Can'],
    ['cup', 'Cup'],
    ['mug', 'Large mug'],
  ]);
  await db.pool.query(`update inward set title = 'Small cup' where handle = 'cup'`);
  await waitFor(() => {
    expect(app.store.products.get(cup)?.title).toBe('Small cup');
  });
  app.person('mutation($id: ID!){productDelete(input:{id:$id}){userErrors{message}}}', { id: mug });
  const { rows } = await db.pool.query<{ run: string }>(`select tideway.sync_now('inward', 'sweep') as run`);
  await holds('inward', [
    ['can', 'Can'],
    ['cup', 'Small cup'],
  ]);
  await waitFor(async () => {
    const sweep = (await runsOf('inward')).find(({ id }) => id === rows[0]?.run);
    expect(sweep).toMatchObject({ kind: 'sweep', status: 'completed', deleted: 1 });
  });
  // What came in did not go out again.
  expect(app.journal().filter(({ actor }) => actor === 'api')).toMatchObject([{ op: 'update', id: cup }]);
});

async function freePort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return String(typeof address === 'object' ? address?.port : '');
}

test('a delivery wakes a read of the product that it names, also of one that is gone, and a forged one does not', async () => {
  const port = await freePort();
  await app.stop();
  app = await startShopifyApp({ token: TOKEN, gateway: `http://127.0.0.1:${port}` });
  const mug = make('mug', 'Mug');
  await stage('rung', 'pull', { schedule: '1 h', sweep_schedule: 'manual' });
  await daemon({
    TIDEWAY_HTTP_PORT: port,
    TIDEWAY_PUBLIC_URL: 'https://tideway.example/',
    TIDEWAY_SEAL_KEY: `k1:${randomBytes(32).toString('base64')}`,
  });
  await holds('rung', [['mug', 'Mug']]);
  await waitFor(() => expect(app.subscriptions()).toHaveLength(3), { within: 20_000 });
  await waitFor(
    async () => {
      // Until the daemon's door knows the subscription; a person saves again and again.
      retitle(mug, 'Large mug');
      await app.webhooksQuiet();
      expect(app.deliveries().at(-1)?.status).toBeLessThan(300);
    },
    { within: 20_000 },
  );
  await holds('rung', [['mug', 'Large mug']]);
  const last = app.deliveries().at(-1);
  const path = new URL(app.subscriptions()[0]?.uri ?? '').pathname;
  const forged = await fetch(new URL(path, `http://127.0.0.1:${port}`), {
    method: 'POST',
    headers: { ...last?.headers, 'x-shopify-webhook-id': 'other' },
    body: `${last?.body ?? ''} `,
  });
  expect(forged.status).toBeGreaterThanOrEqual(400);
  app.person('mutation($id: ID!){productDelete(input:{id:$id}){userErrors{message}}}', { id: mug });
  await holds('rung', []);
  await app.webhooksQuiet();
  expect(app.deliveries().at(-1)).toMatchObject({ topic: 'products/delete', status: 202 });
});
