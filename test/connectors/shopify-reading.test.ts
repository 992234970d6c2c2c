import { expect, test } from 'vitest';
import { shopify } from '../../src/connectors/shopify/shopify.ts';
import { create, openShop } from './shopify-stage.ts';

const columns = ['title', 'updatedAt'];

test('a search that Shopify does not understand is a fault, never every record', async () => {
  const { page, write } = await openShop();
  await write('products', create('a', { title: 'Mug' }));
  await expect(page({ table: 'products', columns, filter: 'colour:red' })).rejects.toMatchObject({
    facts: { code: 'SETTINGS_INVALID', retryable: false, message: expect.stringContaining('colour') as string },
  });
  expect((await page({ table: 'products', columns, filter: 'title:mug' })).records).toHaveLength(1);
});

test('an answer of another version is not believed, and a write under it is uncertain', async () => {
  const { page, write } = await openShop({ servedVersion: '2026-10' });
  await expect(page({ table: 'products', columns })).rejects.toMatchObject({ facts: { code: 'SETTINGS_INVALID' } });
  expect(await write('products', create('a', { title: 'Mug' }))).toMatchObject([
    { result: 'uncertain', fault: { message: expect.stringContaining('2026-10') as string } },
  ]);
});

test('changes are found from the newest one seen, with the overlap, and ties at a page’s edge lose nothing', async () => {
  const { app, page, readAll, write, clock } = await openShop();
  const first = await write(
    'products',
    ...[1, 2, 3, 4, 5].map((n) => create(String(n), { title: `Mug ${String(n)}` })),
  );
  clock.time += 3_600_000;
  const read = await readAll({ table: 'products', columns });
  const next = read.at(-1)?.next ?? null;
  expect(next).toEqual({ since: '2026-09-21T14:13:20Z' });
  clock.time += 60_000;
  for (const outcome of first.slice(1, 4)) {
    const id = outcome.result === 'written' ? outcome.id : '';
    app.person('mutation($p: ProductUpdateInput!){productUpdate(product:$p){userErrors{message}}}', {
      p: { id, vendor: 'Ovens' },
    });
  }
  // All three have one modified time.
  const changes = await readAll({
    table: 'products',
    columns,
    mode: 'changes',
    after: { since: '2026-09-21T15:00:00Z' },
    limit: 1,
  });
  expect(changes.flatMap(({ records }) => records.map(({ fields }) => fields['title']))).toEqual([
    'Mug 2',
    'Mug 3',
    'Mug 4',
  ]);
  expect(app.documents().at(-1)).toContain('sortKey:UPDATED_AT');
  const again = await page({ table: 'products', columns, mode: 'changes', after: changes.at(-1)?.next ?? null });
  expect(again.records).toHaveLength(3);
});

test('a bulk operation is waited for, its id is in the cursor, and its data is as old as its start', async () => {
  const { app, page, write } = await openShop({ bulkPolls: 2, settings: { bulk: true } });
  await write('products', ...[1, 2, 3].map((n) => create(String(n), { title: `Mug ${String(n)}` })));
  const started = await page({ table: 'products', columns });
  expect(started).toMatchObject({ records: [], complete: false, wait: 2000, askedFor: '1' });
  expect(started.next).toMatchObject({ way: 'bulk', operation: expect.stringContaining('BulkOperation') as string });
  // Another daemon goes on from what was committed.
  const after = JSON.parse(JSON.stringify(started.next)) as typeof started.next;
  const waiting = await page({ table: 'products', columns, after });
  expect(waiting).toMatchObject({ records: [], complete: false, wait: 4000 });
  const first = await page({ table: 'products', columns, after: waiting.next, limit: 2 });
  expect(first).toMatchObject({ complete: false, total: 3, askedFor: '1' });
  expect(first.records.map(({ fields }) => fields['title'])).toEqual(['Mug 1', 'Mug 2']);
  const last = await page({ table: 'products', columns, after: first.next, limit: 2 });
  expect(last).toMatchObject({ complete: true, next: { since: '2026-09-21T14:13:20Z' }, askedFor: '1' });
  expect(last.records.map(({ fields }) => fields['title'])).toEqual(['Mug 3']);
  expect(app.documents().filter((text) => text.includes('bulkOperationRunQuery'))).toHaveLength(1);
});

test('a bulk operation that fails or is forgotten begins again; one that may not read says so', async () => {
  const { app, page } = await openShop({ bulkPolls: 9, settings: { bulk: true } });
  const { next } = await page({ table: 'products', columns });
  app.endBulk('FAILED', 'INTERNAL_SERVER_ERROR');
  await expect(page({ table: 'products', columns, after: next })).rejects.toMatchObject({
    facts: { code: 'CURSOR_EXPIRED' },
  });
  app.endBulk('FAILED', 'ACCESS_DENIED');
  await expect(page({ table: 'products', columns, after: next })).rejects.toMatchObject({
    facts: { code: 'PERMISSION_DENIED' },
  });
});

test('while five bulk operations run, a sixth waits for its turn', async () => {
  const { app, page } = await openShop({ bulkPolls: 9, settings: { bulk: true } });
  for (let count = 0; count < 5; count += 1) await page({ table: 'products', columns });
  const queued = await page({ table: 'products', columns });
  expect(queued).toMatchObject({ complete: false, wait: 2000, next: { way: 'bulk', operation: null } });
  app.endBulk('CANCELED');
  expect((await page({ table: 'products', columns, after: queued.next })).next).toMatchObject({
    operation: expect.any(String) as string,
  });
});

test('a result of a bulk operation that lacks a line is not believed', async () => {
  const { app, page, write } = await openShop({ settings: { bulk: true } });
  await write('products', create('a', { title: 'Mug' }), create('b', { title: 'Cup' }));
  app.fail({ path: '/bulk/', with: { kind: 'truncate', clean: true } });
  await expect(page({ table: 'products', columns })).rejects.toMatchObject({
    facts: { code: expect.stringMatching(/BAD_RESPONSE/) as string, retryable: true },
  });
});

test('a list that is deeper than Shopify pages goes on in bulk, with what it asked for', async () => {
  const { app, page, readAll, write } = await openShop();
  await write('products', ...['1', '2', '3'].map((n) => create(n, { title: `Mug ${n}` })));
  const since = { since: '2026-09-21T14:00:00Z' };
  const first = await page({ table: 'products', columns, mode: 'changes', after: since, limit: 1 });
  const after = { ...first.next, count: 19_999 } as typeof first.next;
  const pages = await readAll({ table: 'products', columns, mode: 'changes', after, limit: 1 });
  expect(pages[0]?.next).toMatchObject({ way: 'bulk', since: since.since });
  expect(pages.slice(1).flatMap(({ records }) => records)).toHaveLength(3);
  expect(pages.at(-1)).toMatchObject({
    complete: true,
    next: { since: expect.stringMatching(/^2026-09-21T14:13:20/) as string },
  });
  expect(app.documents().filter((text) => text.includes('bulkOperationRunQuery'))).toHaveLength(1);
});

test('a result that holds fewer objects than Shopify counts is not believed', async () => {
  const { app, page, write } = await openShop({ bulkPolls: 1, settings: { bulk: true } });
  await write('products', create('a', { title: 'Mug' }), create('b', { title: 'Cup' }));
  const { next } = await page({ table: 'products', columns });
  app.loseBulkLine();
  await expect(page({ table: 'products', columns, after: next })).rejects.toMatchObject({
    facts: { code: 'BAD_RESPONSE', message: expect.stringContaining('holds 1 objects') as string },
  });
});

test('large results are read part by part, umlauts and all', async () => {
  const { app, readAll, write } = await openShop({ settings: { bulk: true } });
  const long = 'ü€'.repeat(60_000);
  for (let n = 0; n < 6; n += 1)
    await write('products', create(String(n), { title: `Mug ${String(n)}`, descriptionHtml: long }));
  const pages = await readAll({ table: 'products', columns: ['title', 'descriptionHtml'], limit: 2 });
  const records = pages.flatMap((one) => one.records);
  expect(records.map(({ fields }) => fields['title'])).toEqual([0, 1, 2, 3, 4, 5].map((n) => `Mug ${String(n)}`));
  expect(records.every(({ fields }) => fields['descriptionHtml'] === long)).toBe(true);
  expect(app.documents().filter((text) => text.includes('bulkOperationRunQuery'))).toHaveLength(1);
});

test.for([true, false])('lines of long orders are read whole (in bulk: %s), and name their order', async (bulk) => {
  const { app, session, readAll } = await openShop({ settings: { bulk } });
  const lines = Array.from({ length: 230 }, (_, n) => ({
    title: `Line ${String(n)}`,
    sku: null,
    quantity: 1,
    price: '1.10',
    variant: null,
  }));
  const order = app.order({ lines });
  app.order({ lines: lines.slice(0, 2) });
  const wanted = ['title', 'order.id', 'originalUnitPriceSet.shopMoney.amount', 'variant.id'];
  const records = (await readAll({ table: 'order_lines', columns: wanted })).flatMap((one) => one.records);
  expect(records).toHaveLength(232);
  expect(records[0]?.fields).toEqual({
    title: 'Line 0',
    'order.id': order.id,
    'originalUnitPriceSet.shopMoney.amount': 1.1,
    'variant.id': null,
  });
  const id = records[229]?.id ?? '';
  const answer = await shopify.readByIds?.(session, {
    table: 'order_lines',
    columns: wanted,
    ids: [id, '1:2'],
    askedFor: '1',
  });
  expect(answer).toMatchObject({ records: [{ id, fields: { title: 'Line 229' } }], missing: ['1:2'] });
});

test.for([true, false])('stock is read at every location (in bulk: %s), and changes of it too', async (bulk) => {
  const { app, session, readAll, write, clock } = await openShop({ settings: { bulk } });
  await write('products', create('a', { title: 'Mug' }), create('b', { title: 'Cup' }));
  const wanted = ['item.id', 'location.id', 'available', 'on_hand'];
  const pages = await readAll({ table: 'inventory_levels', columns: wanted, limit: 1 });
  const records = pages.flatMap((one) => one.records);
  expect(new Set(records.map(({ id }) => id)).size).toBe(4);
  const [first] = records;
  clock.time += 600_000;
  app.person(
    'mutation($q: InventorySetQuantitiesInput!){inventorySetQuantities(input:$q) @idempotent(key:"p1"){userErrors{message}}}',
    {
      q: {
        reason: 'correction',
        name: 'available',
        quantities: [
          {
            inventoryItemId: first?.fields['item.id'],
            locationId: first?.fields['location.id'],
            quantity: 7,
            changeFromQuantity: null,
          },
        ],
      },
    },
  );
  const since = { since: new Date(clock.time - 1000).toISOString() };
  const changed = await readAll({ table: 'inventory_levels', columns: wanted, mode: 'changes', after: since });
  expect(changed.flatMap((one) => one.records)).toMatchObject([
    { id: first?.id, fields: { available: 7, on_hand: 7 } },
  ]);
  const byId = await shopify.readByIds?.(session, {
    table: 'inventory_levels',
    columns: wanted,
    ids: [first?.id ?? '', '1:1'],
    askedFor: '1',
  });
  expect(byId).toMatchObject({ records: [{ fields: { available: 7 } }], missing: ['1:1'] });
});

test('metafields that the shop defines are columns with their types; a unique one can be looked up', async () => {
  const { session } = await openShop({
    definitions: [
      { owner: 'PRODUCT', namespace: 'custom', key: 'weight', type: 'number_decimal', name: 'Weight' },
      { owner: 'PRODUCT', namespace: 'erp', key: 'id', type: 'id' },
    ],
  });
  const [products] = await shopify.discover(session, ['products']);
  expect(products?.columns.filter(({ name }) => name.startsWith('metafields.'))).toMatchObject([
    { name: 'metafields.custom.weight', title: 'Weight', type: 'number', writable: true },
    { name: 'metafields.erp.id', type: 'string', appType: 'metafield id' },
  ]);
  expect(products?.capabilities.findBy).toContain('metafields.erp.id');
  expect((await shopify.discover(session)).map(({ name }) => name)).toEqual([
    'products',
    'variants',
    'inventory_levels',
    'customers',
    'orders',
    'order_lines',
    'locations',
  ]);
});

test('every column of every table can be read, within the points of one query', async () => {
  const { app, session, readAll, write } = await openShop();
  await write('products', create('a', { title: 'Mug' }));
  await write('customers', create('b', { firstName: 'Ada' }));
  app.order({
    lines: [{ title: 'Mug', sku: 'm', quantity: 2, price: '3', variant: [...app.store.variants.keys()][0] ?? null }],
  });
  for (const { name, columns: all } of await shopify.discover(session)) {
    const pages = await readAll({ table: name, columns: all.map((column) => column.name), limit: 1000 });
    expect(pages.flatMap(({ records }) => records).length, name).toBeGreaterThan(0);
  }
});

test('a throttled read waits as long as the missing points take, and the budget is learned from every answer', async () => {
  const { app, session } = await openShop({ points: { capacity: 100, restorePerSecond: 10 } });
  await shopify.identify(session);
  expect(app.points()).toBe(99);
  const request = {
    table: 'products',
    columns,
    mode: 'full',
    after: null,
    limit: 250,
    filter: null,
    askedFor: '1',
  } as const;
  for (let count = 0; count < 7; count += 1) await shopify.readPage?.(session, request);
  // The shop's clock stands still, so its bucket is never filled again.
  await expect(shopify.readPage?.(session, request)).rejects.toMatchObject({
    facts: { code: 'RATE_LIMITED', uncertain: false, retryAfter: expect.any(Number) as number },
  });
});
