import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, onTestFailed, test } from 'vitest';
import { startNetsuiteApp, type NetsuiteApp } from '../apps/netsuite/netsuite-app.ts';
import { startShopifyApp, type ShopifyApp } from '../apps/shopify/shopify-app.ts';
import { killDaemons, startDaemon, type RunningDaemon } from '../support/daemon.ts';
import { useDatabase } from '../support/database.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { fencedBlocks } from '../support/fenced-blocks.ts';
import { waitFor } from '../support/wait-for.ts';
import { stopwatch } from './recipe.ts';

/** The number is a thousand: TIDEWAY_TEST_PRODUCTS=1000. */
const PRODUCTS = Number(process.env['TIDEWAY_TEST_PRODUCTS'] ?? 100);
/** A look at everything costs as much as there is of it. */
const PATIENCE = { within: 120_000 + PRODUCTS * 600, every: 20 + PRODUCTS / 2 };
const SHOPIFY_SECRET = 'shpat_5577e0b4d2a3f91c';
const NETSUITE_SECRET = JSON.stringify({
  consumer_key: 'ck',
  consumer_secret: 'cs-5512',
  token_id: 'tk',
  token_secret: 'ts-9981',
});

const { pool, url, name } = useDatabase();
const slot = `${name}_slot`;
let erp: NetsuiteApp;
let shop: ShopifyApp;
let running: RunningDaemon;

beforeAll(async () => {
  erp = await startNetsuiteApp({
    account: '1234567_SB1',
    tokens: { ck: 'ck', cs: 'cs-5512', tk: 'tk', ts: 'ts-9981' },
    types: [
      {
        name: 'inventoryItem',
        from: 'item',
        only: { itemtype: 'InvtPart' },
        fields: { itemId: 'text', displayName: 'text', custitem_web_price: 'number', isInactive: 'boolean' },
        required: ['itemId'],
      },
      {
        name: 'customer',
        from: 'customer',
        fields: { email: 'text', firstName: 'text', lastName: 'text', isPerson: 'boolean' },
        required: ['lastName'],
      },
      {
        name: 'salesOrder',
        from: 'transaction',
        only: { type: 'SalesOrd' },
        fields: { entity: 'reference', otherRefNum: 'text', item: 'lines' },
        required: ['entity'],
      },
    ],
  });
  shop = await startShopifyApp({
    token: SHOPIFY_SECRET,
    shop: 'my-shop.myshopify.com',
    locations: 1,
    definitions: [{ owner: 'PRODUCT', namespace: 'custom', key: 'sku', type: 'id' }],
    points: { capacity: 20_000, restorePerSecond: 10_000 },
  });
});
afterEach(killDaemons);
afterAll(async () => {
  await Promise.all([erp.stop(), shop.stop()]);
  await dropSlot(pool, slot);
});

const daemon = async (env: Record<string, string> = {}): Promise<RunningDaemon> => {
  running = await startDaemon(url, { TIDEWAY_SLOT: slot, NETSUITE_SECRET, SHOPIFY_SECRET, ...env });
  const started = running;
  onTestFailed(async () => {
    const { rows } = await pool.query(
      `select to_jsonb(e) - 'payload' as error from tideway.sync_errors e where resolved_at is null limit 10`,
    );
    const waiting = await pool.query(
      `select m.name, w.reason, count(*) from tideway_private.waiting w join tideway.mappings m on m.number = w.mapping group by 1, 2`,
    );
    const open = await pool.query(
      `select m.name, l.* from tideway_private.links l join tideway.mappings m on m.number = l.mapping where sent is not null limit 5`,
    );
    const marks = await pool.query(
      `select m.name, 'outbox' as where, o.local_key from tideway_private.outbox o join tideway.mappings m on m.number = o.mapping
       union all select m.name, 'in flight', array_to_string(f.keys, ' ') from tideway_private.in_flight f join tideway.mappings m on m.number = f.mapping
       union all select m.name, 'reread ' || r.reason, r.remote_id from tideway_private.rereads r join tideway.mappings m on m.number = r.mapping limit 20`,
    );
    console.error(started.log().slice(-6000), JSON.stringify(rows, null, 1), waiting.rows, open.rows, marks.rows);
  });
  return started;
};

/** The statements of the page, for stand-ins instead of accounts and for seconds instead of minutes: each read looks back over minutes. */
const statements = (): string[] =>
  fencedBlocks(readFileSync('docs/recipes/netsuite-to-shopify.md', 'utf8')).map((sql) =>
    sql
      .replace(
        '"account_id": "1234567_SB1"',
        `"account_id": "1234567_SB1", "base_url": "${erp.url}", "requests_per_second": 500, "concurrency": 5, "request_life": 300`,
      )
      .replace(
        '"shop": "my-shop.myshopify.com"',
        `"shop": "my-shop.myshopify.com", "base_url": "${shop.url}", "bulk_url": "${shop.url}"`,
      )
      .replaceAll('"schedule": "1 min"', `"schedule": "${String(Math.ceil(PRODUCTS / 100))} s"`),
  );
const statement = (words: string): string => {
  const found = statements().filter((sql) => sql.includes(words));
  expect(found, words).toHaveLength(1);
  return found[0] ?? '';
};

const count = (sql: string, ...values: unknown[]) =>
  pool.query<{ n: number }>(`select count(*)::int as n from ${sql}`, values).then(({ rows }) => rows[0]?.n);

/** Nothing is under way that could still arrive late, so what waits for that need not wait. */
const hurry = () =>
  pool.query(`
    update tideway_private.links set sent_until = least(sent_until, clock_timestamp()), visible_from = least(visible_from, clock_timestamp())
     where sent is not null and greatest(sent_until, visible_from) > clock_timestamp();
    update tideway_private.waiting w set due_at = clock_timestamp()
      from tideway_private.links l
     where l.mapping = w.mapping and l.local_key = w.local_key and l.sent_op = 'create' and l.remote_id is null
       and w.reason = 'retry' and w.due_at > clock_timestamp() + interval '1 s'`);

const eventually = (check: () => unknown) =>
  waitFor(async () => {
    await hurry();
    await check();
  }, PATIENCE);

const levels = () =>
  new Map(
    [...shop.store.levels.values()].map((level) => [
      shop.store.items.get(level.item)?.sku ?? '',
      level.quantities['available'],
    ]),
  );

const sell = (sku: string, quantity: number): void => {
  const level = [...shop.store.levels.values()].find(({ item }) => shop.store.items.get(item)?.sku === sku);
  const before = level?.quantities['available'] ?? 0;
  shop.person(
    `mutation($i: InventorySetQuantitiesInput!){inventorySetQuantities(input:$i) @idempotent(key:"${crypto.randomUUID()}"){userErrors{message}}}`,
    {
      i: {
        reason: 'correction',
        name: 'available',
        quantities: [
          {
            inventoryItemId: level?.item,
            locationId: level?.location,
            quantity: before - quantity,
            changeFromQuantity: before,
          },
        ],
      },
    },
  );
};

const sku = (number: number): string => `MUG-${String(number).padStart(4, '0')}`;
const items = new Map<string, string>();

test('products, stock, customers and orders of the recipe', { timeout: 240_000 + PRODUCTS * 2_000 }, async () => {
  for (let number = 1; number <= PRODUCTS; number += 1) {
    const id = erp.add('inventoryItem', {
      itemId: sku(number),
      displayName: `Mug ${String(number)}`,
      custitem_web_price: number + 0.5,
      isInactive: false,
    });
    items.set(sku(number), id);
    erp.moveStock(id, '1', number);
  }
  await daemon();
  const clock = stopwatch(process.env['TIDEWAY_TEST_PRODUCTS'] !== undefined);
  let [asked, spent] = [0, 0];
  /** Requests and points since the last time. */
  const took = (part: string): void => {
    const [requests, points] = [shop.documents().length, shop.spent()];
    clock(
      part,
      PRODUCTS,
      `Shopify: ${String(requests - asked)} requests, ${String(Math.round(points - spent))} points`,
    );
    [asked, spent] = [requests, points];
  };
  const [location] = [...shop.store.locations.keys()];
  for (const sql of statements()) {
    await pool.query(sql);
    if (sql.includes('create table locations')) await pool.query(`insert into locations values ('1', $1)`, [location]);
    if (sql.includes('tideway.activate')) break;
  }
  await eventually(async () => expect(await count(`tideway.mappings where state <> 'active'`)).toBe(0));

  // Nothing goes that is not on the list; the preview writes nothing.
  await pool.query(statement('from tideway.preview('));
  await eventually(async () => {
    const { rows } = await pool.query<{ counts: object }>(statement('from tideway.preview('));
    expect(rows[0]?.counts).toMatchObject({ creates: PRODUCTS, errors: 0 });
  });
  expect(await count('products')).toBe(0);
  await pool.query(statement('add_preview_to_sync_list'));
  const { rows: listed } = await pool.query(
    `select source_id, metadata from tideway.sync_list where metadata ->> 'sku' = $1`,
    [sku(1)],
  );
  expect(listed).toEqual([{ source_id: items.get(sku(1)), metadata: { name: 'Mug 1', sku: sku(1), price: 1.5 } }]);

  took('preview and list');
  // The first create is answered to nobody, and the daemon dies with answers in its hands.
  shop.fail({ with: { kind: 'drop_answer' } }, (body) => body.includes('productSet'));
  const { rows: answered } = await pool.query<{ run: string }>(statement('scheduled_sync()'));
  await eventually(() => expect(shop.store.products.size).toBeGreaterThan(PRODUCTS / 4));
  await running.kill();
  await daemon();
  await eventually(async () => {
    const { rows } = await pool.query<{ answer: object }>(
      `select tideway.sync_answer($1) as answer from tideway.sync_runs where id = $1 and completed_at is not null`,
      [answered[0]?.run],
    );
    expect(rows[0]?.answer).toMatchObject({ totalUsers: 1, totalItems: PRODUCTS, itemsProcessed: PRODUCTS });
  });
  await eventually(() => {
    const shown = [...shop.store.variants.values()].map(({ item, price }) => [shop.store.items.get(item)?.sku, price]);
    expect(shown.sort()).toEqual(Array.from({ length: PRODUCTS }, (_, at) => [sku(at + 1), (at + 1.5).toFixed(2)]));
  });
  expect(shop.store.products.size).toBe(PRODUCTS);
  took('products and variants');
  expect(shop.journal().filter(({ op, type }) => op === 'create' && type === 'Product')).toHaveLength(PRODUCTS);

  // Stock: NetSuite's at first, then what both add.
  const wanted = new Map([...items.keys()].map((one, at) => [one, at + 1]));
  const stocksAgree = () =>
    eventually(async () => {
      expect([...levels()].sort()).toEqual([...wanted].sort());
      expect([...items].map(([one, id]) => [one, erp.stock().get(`${id}:1`)])).toEqual([...wanted]);
      expect(await count(`tideway_private.links where sent is not null`)).toBe(0);
    });
  await stocksAgree();
  took('stock meets');
  expect(erp.journal().filter(({ type }) => type === 'inventoryAdjustment')).toEqual([]);
  const move = (one: string, sold: number, received: number): void => {
    if (sold > 0) sell(one, sold);
    if (received > 0) erp.moveStock(items.get(one) ?? '', '1', received);
    wanted.set(one, (wanted.get(one) ?? 0) - sold + received);
  };
  erp.fail({ path: 'inventoryAdjustment', with: { kind: 'drop_answer' } });
  move(sku(10), 3, 0);
  move(sku(20), 0, 50);
  move(sku(30), 4, 11);
  await stocksAgree();
  took('stock moves both ways');

  // A price may change on either side.
  const variant = [...shop.store.variants.values()].find(({ item }) => shop.store.items.get(item)?.sku === sku(7));
  shop.person(
    'mutation($p: ID!, $v: [ProductVariantsBulkInput!]!){productVariantsBulkUpdate(productId:$p,variants:$v){userErrors{message}}}',
    { p: variant?.product, v: [{ id: variant?.id, price: '99.00' }] },
  );
  await eventually(() =>
    expect(erp.records('inventoryItem').find(({ fields }) => fields['itemId'] === sku(7))?.fields).toMatchObject({
      custitem_web_price: 99,
      displayName: 'Mug 7',
    }),
  );

  // Customers both ways, and an order that waits for its customer and is booked once.
  erp.add('customer', { email: 'bo@example.com', firstName: 'Bo', lastName: 'Berg', isPerson: true });
  shop.person('mutation($c: CustomerInput!){customerCreate(input:$c){userErrors{message}}}', {
    c: { email: 'ada@example.com', firstName: 'Ada', lastName: 'Ahl' },
  });
  erp.fail({ method: 'PUT', path: '/salesOrder', with: { kind: 'drop_answer' } });
  shop.order({
    email: 'ada@example.com',
    lines: [sku(1), sku(2)].map((one, at) => ({
      title: one,
      sku: one,
      quantity: at + 1,
      price: '5.00',
      variant: null,
    })),
  });
  await eventually(() => {
    expect(erp.records('customer').map(({ fields }) => fields['email'])).toEqual(['bo@example.com', 'ada@example.com']);
    expect([...shop.store.customers.values()].map(({ email, lastName }) => [email, lastName]).sort()).toEqual([
      ['ada@example.com', 'Ahl'],
      ['bo@example.com', 'Berg'],
    ]);
    expect(erp.records('salesOrder').map(({ fields }) => fields)).toMatchObject([
      {
        entity: { id: erp.records('customer').at(-1)?.id },
        item: {
          items: [
            { item: { id: items.get(sku(1)) }, quantity: 1, rate: 5 },
            { item: { id: items.get(sku(2)) }, quantity: 2, rate: 5 },
          ],
        },
      },
    ]);
  });
  await eventually(async () => expect(await count(`tideway_private.links where sent is not null`)).toBe(0));
  expect(erp.journal().filter(({ op, type }) => op === 'create' && type === 'salesOrder')).toHaveLength(1);
  took('a price, customers, an order');

  // What is left of the page: what a pattern finds, the items and the history.
  await pool.query(statement('add_pattern_to_sync_list'));
  expect(await count(`tideway.sync_list where priority = 5 and metadata ->> 'sku' = $1`, sku(PRODUCTS))).toBe(1);
  expect(await count(`tideway.sync_list where priority = 5`)).toBe(PRODUCTS - 8);
  const { rows: states } = await pool.query<{ last_sync_status: string; target_id: string }>(
    statement('from tideway.sync_list order by'),
  );
  const odd = states.filter((item) => item.last_sync_status !== 'success' || !item.target_id.includes('/Product/'));
  expect(odd).toEqual([]);
  const { rows: history } = await pool.query(statement('from tideway.sync_history'));
  expect(history).toContainEqual(
    expect.objectContaining({ sync_type: 'scheduled', items_processed: String(PRODUCTS) }),
  );
  expect(await count(`tideway.open_conflicts`)).toBe(0);
  expect(await count(`tideway.get_sync_errors(null)`)).toBe(0);
});
