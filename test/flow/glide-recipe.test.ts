import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { startGlideApp, type GlideApp } from '../apps/glide/glide-app.ts';
import { killDaemons, startDaemon } from '../support/daemon.ts';
import { useDatabase } from '../support/database.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { waitFor } from '../support/wait-for.ts';
import { recipe, tellOnFailure } from './recipe.ts';

const TOKEN = '11111111-2222-4333-8444-555555555555';
const PRODUCTS = 'native-table-products';
const MOVEMENTS = 'native-table-movements';

const { pool, url, name } = useDatabase();
const slot = `${name}_slot`;
let app: GlideApp;

beforeEach(async () => {
  app = await startGlideApp({
    token: TOKEN,
    app: { id: 'mT91fPcZCWigkZXgSZGJ', name: 'Shop' },
    applyAfter: 50,
    tables: [
      {
        id: PRODUCTS,
        name: 'Products',
        columns: [
          { id: 'sku', kind: 'string' },
          { id: 'product_name', kind: 'string' },
          { id: 'cost', kind: 'number' },
          { id: 'samples', kind: 'boolean' },
          { id: 'photo', kind: 'image-uri' },
          { id: 'contact', kind: 'email-address' },
          { id: 'purchased', kind: 'date-time' },
          { id: 'stock', kind: 'number' },
        ],
      },
      {
        id: MOVEMENTS,
        name: 'Movements',
        columns: [
          { id: 'id', kind: 'string' },
          { id: 'product', kind: 'string' },
          { id: 'quantity', kind: 'number' },
        ],
      },
    ],
  });
});
afterEach(async () => {
  await killDaemons();
  await app.stop();
});
afterAll(() => dropSlot(pool, slot));

const eventually = (check: () => unknown) => waitFor(async () => void (await check()), { within: 40_000 });
const there = () => new Map(app.rows(PRODUCTS).map(({ id, cells }) => [cells['sku'], { id, cells }] as const));
const here = async (sku: string) =>
  (await pool.query<Record<string, unknown>>('select * from products where sku = $1', [sku])).rows[0];

test('products of Glide, their stock, and what people do on either side', async () => {
  const page = recipe(pool, 'docs/recipes/glide-products.md', {
    '"app_id": "mT91fPcZCWigkZXgSZGJ"': `"app_id": "mT91fPcZCWigkZXgSZGJ", "base_url": "${app.url}", "requests_per_second": 50, "request_life": 300, "write_visible_after": 300`,
    '"schedule": "5 min"': '"schedule": "1 s", "retry_base": "100 ms", "retry_cap": "1 s"',
  });
  const put = (table: string, id: string, cells: Record<string, unknown>) => {
    app.edit(table, { op: 'create', id, cells });
  };
  put(PRODUCTS, 'row-lamp', {
    sku: 'lamp',
    product_name: 'Lamp',
    cost: 12.5,
    samples: true,
    photo: 'https://img.example.com/lamp.png',
    contact: 'sales@example.com',
    purchased: '2026-11-20T10:00:00.000Z',
    stock: 0,
  });
  put(PRODUCTS, 'row-chair', { sku: 'chair', product_name: 'Chair', stock: 0 });
  put(MOVEMENTS, 'm1', { id: 'm1', product: 'lamp', quantity: 10 });
  put(MOVEMENTS, 'm2', { id: 'm2', product: 'lamp', quantity: -4 });
  put(MOVEMENTS, 'm3', { id: 'm3', quantity: 1 });

  const daemon = await startDaemon(url, { TIDEWAY_SLOT: slot, GLIDE_TOKEN: TOKEN });
  tellOnFailure(pool, daemon);
  await page.runUpTo('tideway.connect');
  await eventually(async () => expect(await page.run('remote_columns')).toHaveLength(9));
  expect(
    (await pool.query(`select tested_at is not null as tested, test_error from tideway.connections`)).rows,
  ).toEqual([{ tested: true, test_error: null }]);
  await page.run(`tideway.map('glide_products'`);
  await page.run('tideway.activate');
  expect(await page.run('validate_mapping')).toEqual([]);

  await eventually(async () =>
    expect(await here('lamp')).toEqual({
      sku: 'lamp',
      glide_row_id: 'row-lamp',
      vendor_product_name: 'Lamp',
      cost: '12.5',
      samples: true,
      photo: 'https://img.example.com/lamp.png',
      contact: 'sales@example.com',
      purchased_at: new Date('2026-11-20T10:00:00Z'),
      in_stock: '6',
    }),
  );
  await eventually(() => expect(there().get('lamp')?.cells['stock']).toBe(6));

  // A row of ours gets Glide's id, an edit and a deletion there arrive, and an edit of another field here meets them.
  await pool.query(`insert into products (sku, vendor_product_name, cost) values ('desk', 'Desk', 70)`);
  await eventually(async () => {
    const made = there().get('desk');
    expect(made?.cells).toMatchObject({ product_name: 'Desk', cost: 70 });
    expect((await here('desk'))?.['glide_row_id']).toBe(made?.id);
  });
  app.edit(PRODUCTS, { op: 'update', id: 'row-lamp', cells: { product_name: 'Desk lamp' } });
  await pool.query(`update products set cost = 13 where sku = 'lamp'`);
  app.edit(PRODUCTS, { op: 'delete', id: 'row-chair', cells: {} });
  await eventually(async () => {
    expect(there().get('lamp')?.cells).toMatchObject({ product_name: 'Desk lamp', cost: 13, stock: 6 });
    expect(await here('lamp')).toMatchObject({ vendor_product_name: 'Desk lamp', cost: '13' });
    expect(await here('chair')).toBeUndefined();
  });

  // What is wrong is said for its row alone, and mended in Glide.
  expect(await page.run('get_sync_errors')).toMatchObject([{ error_class: 'VALIDATION_ERROR', column: 'product' }]);
  app.edit(MOVEMENTS, { op: 'update', id: 'm3', cells: { product: 'desk' } });
  await page.run('retry_failed_sync');
  await eventually(async () => expect(await page.run('get_sync_errors')).toEqual([]));
  put(MOVEMENTS, 'm4', { id: 'm4', product: 'desk', quantity: 2 });
  await eventually(() => expect(there().get('desk')?.cells['stock']).toBe(3));
  await eventually(async () => {
    const states = await page.run('tideway.mapping_status');
    expect(states).toMatchObject([
      { state: 'active', failed: '0', conflicts: '0' },
      { state: 'active', failed: '0', conflicts: '0' },
    ]);
  });
  expect(await page.run('tideway.recent_logs')).not.toEqual([]);
  expect(await page.run('entity_sync_stats')).toHaveLength(2);
  await page.run('sync_stats_daily');
  // The id is never written, and no row was made twice.
  expect(app.journal().filter(({ cells }) => '$rowID' in cells)).toEqual([]);
  expect(app.rows(PRODUCTS)).toHaveLength(2);
});
