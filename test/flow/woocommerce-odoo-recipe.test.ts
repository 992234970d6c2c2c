import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { startOdooApp, type OdooApp } from '../apps/odoo/odoo-app.ts';
import { PARTNER_MODELS } from '../apps/odoo/partners.ts';
import { startWooApp, type WooApp } from '../apps/woocommerce/woo-app.ts';
import { killDaemons, startDaemon } from '../support/daemon.ts';
import { useDatabase } from '../support/database.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { waitFor } from '../support/wait-for.ts';
import { recipe, stopwatch, tellOnFailure } from './recipe.ts';

/** The number is five thousand: TIDEWAY_TEST_CUSTOMERS=5000. */
const CUSTOMERS = Number(process.env['TIDEWAY_TEST_CUSTOMERS'] ?? 100);
/** A look at everything costs as much as there is of it. */
const PATIENCE = { within: 60_000 + CUSTOMERS * 120, every: 20 + CUSTOMERS / 10 };
const KEY = { consumer_key: 'ck_recipe', consumer_secret: 'cs_recipe-secret', permission: 'read_write' } as const;
const ODOO_KEY = 'c0ffee5577e0b4d2a3f91c5577e0b4d2a3f91c55';
/** What Odoo's own rules refuse, and which rows meet them. */
const POISON = [17, 42, 77];

const { pool, url, name } = useDatabase();
const slot = `${name}_slot`;
let shop: WooApp;
let erp: OdooApp;

beforeEach(async () => {
  shop = await startWooApp({ keys: [KEY] });
  erp = await startOdooApp({
    database: 'example',
    users: [{ id: 7, login: 'tideway@example.com', password: 'unused-password', apiKeys: [ODOO_KEY] }],
    models: [
      ...PARTNER_MODELS.map((model) =>
        model.name === 'res.partner'
          ? { ...model, fields: { ...model.fields, city: { type: 'selection', selection: [['Bremen', 'Bremen']] } } }
          : model,
      ),
      {
        name: 'product.product',
        title: 'Product',
        fields: {
          default_code: { type: 'char' },
          name: { type: 'char', required: true },
          list_price: { type: 'float' },
        },
      },
    ] as typeof PARTNER_MODELS,
  });
});
afterEach(async () => {
  await killDaemons();
  await Promise.all([shop.stop(), erp.stop()]);
});
afterAll(() => dropSlot(pool, slot));

const eventually = (check: () => unknown) => waitFor(async () => void (await check()), PATIENCE);

test(
  'customers and products of the shop become contacts and products of Odoo',
  { timeout: 240_000 + CUSTOMERS * 240 },
  async () => {
    const page = recipe(pool, 'docs/recipes/woocommerce-to-odoo.md', {
      '"base_url": "https://shop.example.com"': `"base_url": "${shop.url}", "requests_per_second": 100, "concurrency": 4`,
      '"base_url": "https://example.odoo.com"': `"base_url": "${erp.url}", "requests_per_second": 100, "request_life": 300`,
      '"schedule": "15 min"': '"schedule": "2 s"',
      '"on_local_delete": "ignore"}': '"on_local_delete": "ignore", "retry_base": "100 ms", "retry_cap": "1 s"}',
    });
    for (let number = 1; number <= CUSTOMERS; number += 1) {
      shop.store.create(
        'customers',
        {
          email: `c${String(number)}@example.com`,
          first_name: 'Customer',
          last_name: String(number),
          billing: { city: POISON.includes(number) ? 'Atlantis' : 'Bremen' },
        },
        'person',
      );
    }
    const took = stopwatch(process.env['TIDEWAY_TEST_CUSTOMERS'] !== undefined);
    shop.store.create('products', { sku: 'mug', name: 'Mug', regular_price: '4.50' }, 'person');
    const daemon = await startDaemon(url, {
      TIDEWAY_SLOT: slot,
      ODOO_KEY,
      WOO_KEYS: JSON.stringify({ consumer_key: KEY.consumer_key, consumer_secret: KEY.consumer_secret }),
    });
    tellOnFailure(pool, daemon);

    await page.runUpTo('tideway.activate');
    await eventually(async () =>
      expect((await pool.query(`select from tideway.mappings where state <> 'active'`)).rowCount).toBe(0),
    );
    await eventually(async () => {
      await page.run('tideway.preview');
      expect(await page.run('sync_preview_cache')).toMatchObject([
        { sync_type: 'woocommerce', counts: { creates: CUSTOMERS } },
      ]);
    });
    expect((await pool.query('select from customers')).rowCount).toBe(0);
    took('preview', CUSTOMERS);

    const [started] = await page.run<{ run: string }>('tideway.sync_now');
    const seen: {
      sync_id: string;
      processed_count: string;
      total_items: string;
      speed_items_per_min: string;
      eta_seconds: string;
    }[] = [];
    await eventually(async () => {
      const live = await page.run<(typeof seen)[number]>('where completed_at is null');
      seen.push(...live.filter((one) => one.sync_id === started?.run));
      const { rows } = await pool.query(
        `select entity_type, processed_count::int as processed, failed_count::int as failed, source_system from tideway.sync_progress
          where sync_id = $1 and completed_at is not null`,
        [started?.run],
      );
      expect(rows).toEqual([
        { entity_type: 'customer', processed: CUSTOMERS, failed: 0, source_system: 'woocommerce' },
      ]);
    });
    took('WooCommerce to Postgres', CUSTOMERS);
    // Live progress: it grows, with its speed and the time that is left. A hundred customers are over too soon to be watched.
    const counts = seen.map(({ processed_count: processed }) => Number(processed));
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    if (CUSTOMERS >= 1000) {
      const midway = seen.filter(({ processed_count: processed }) => Number(processed) > 0);
      expect(new Set(counts).size).toBeGreaterThan(5);
      expect(midway.every((one) => one.total_items === String(CUSTOMERS) && Number(one.speed_items_per_min) > 0)).toBe(
        true,
      );
      expect(midway.some(({ eta_seconds: left }) => Number(left) > 0)).toBe(true);
    }
    await eventually(() => {
      expect(erp.records('res.partner').filter(({ values }) => typeof values['ref'] === 'string')).toHaveLength(
        CUSTOMERS - POISON.length,
      );
      expect(erp.records('product.product').map(({ values }) => values)).toMatchObject([
        { default_code: 'mug', name: 'Mug', list_price: 4.5 },
      ]);
    });

    took('the rest of the way to Odoo', CUSTOMERS, `${String(erp.calls().length)} requests to Odoo in all`);

    // Three poison rows: seen, mended in the shop, and tried again from SQL.
    await eventually(async () =>
      expect(await page.run('tideway.failed_rows')).toMatchObject(
        POISON.map((number) => `c${String(number)}@example.com`)
          .sort()
          .map((key) => ({ local_key: key, code: 'VALUE_REFUSED' })),
      ),
    );
    await pool.query(`update customers set city = 'Bremen' where city = 'Atlantis'`);
    await page.run('retry_failed_sync');
    await eventually(async () => {
      expect(erp.records('res.partner').filter(({ values }) => values['city'] === 'Bremen')).toHaveLength(CUSTOMERS);
      expect(await page.run('tideway.failed_rows')).toEqual([]);
    });
    expect(
      erp.journal().filter(({ op, actor, model }) => op === 'create' && actor === 'api' && model === 'res.partner'),
    ).toHaveLength(CUSTOMERS);

    // A program of one's own writes its progress, which ends by itself.
    const own = await page.run<Record<string, unknown>>(`'sync-woo-1', 'customer', 5000`);
    expect(own).toMatchObject([{ processed_count: '2500', total_items: '5000' }, { status: 'completed_with_errors' }]);
    expect(await page.run('limit 1000')).not.toEqual([]);
    await page.run('failed_syncs');
    expect(await page.run('sync_duration_trends')).not.toEqual([]);
  },
);
