import { expect, test } from 'vitest';
import { shopify } from '../../src/connectors/shopify/shopify.ts';
import type { WriteOutcome } from '../../src/model/write.ts';
import { create, openShop, update } from './shopify-stage.ts';

function idOf(outcome: WriteOutcome | undefined): string {
  if (outcome?.result !== 'written') throw new Error(`expected written, got ${JSON.stringify(outcome)}`);
  return outcome.id;
}

test.for([
  ['products', 'handle', { title: 'Mug', handle: 'mug' }],
  ['products', 'metafields.erp.id', { title: 'Mug', 'metafields.erp.id': 'E-1' }],
  ['customers', 'defaultEmailAddress.emailAddress', { 'defaultEmailAddress.emailAddress': 'A@b.de', firstName: 'Ada' }],
] as const)('a create of %s that is repeated by %s meets the record of the first', async ([table, column, fields]) => {
  const { app, write } = await openShop({
    definitions: [{ owner: 'PRODUCT', namespace: 'erp', key: 'id', type: 'id' }],
  });
  // Only the document that writes loses its answer.
  app.fail({ with: { kind: 'drop_answer' } }, (body) => body.startsWith('{"query":"mutation'));
  const [lost] = await write(table, create('a', fields, column));
  expect(lost).toMatchObject({ result: 'uncertain' });
  const [again] = await write(table, create('a', fields, column));
  expect(app.journal().filter(({ op }) => op === 'create')).toHaveLength(1);
  expect(idOf(again)).toBe(app.journal()[0]?.id);
});

test('a create that meets a record of somebody else’s keeps the metafields that it does not know', async () => {
  const { app, session, write } = await openShop({
    definitions: [{ owner: 'PRODUCT', namespace: 'custom', key: 'own', type: 'single_line_text_field' }],
  });
  app.person(
    `mutation{productSet(input:{title:"Mug",handle:"mug",metafields:[{namespace:"other",key:"x",value:"kept",type:"single_line_text_field"}]}){userErrors{message}}}`,
  );
  const id = app.journal()[0]?.id ?? '';
  app.person('mutation($m:[MetafieldsSetInput!]!){metafieldsSet(metafields:$m){userErrors{message}}}', {
    m: [{ ownerId: id, namespace: 'custom', key: 'own', value: 'old', type: 'single_line_text_field' }],
  });
  const [outcome] = await write(
    'products',
    create('a', { title: 'Mug', handle: 'mug', 'metafields.custom.own': 'new' }, 'handle'),
  );
  expect(idOf(outcome)).toBe(id);
  const answer = await shopify.readByIds?.(session, {
    table: 'products',
    columns: ['metafields.other.x', 'metafields.custom.own'],
    ids: [id],
    askedFor: '1',
  });
  expect(answer?.records[0]?.fields).toEqual({ 'metafields.other.x': 'kept', 'metafields.custom.own': 'new' });
});

test('rows of one batch are mutations of one document, and each refusal names its row and column', async () => {
  const { app, write } = await openShop();
  const before = app.documents().length;
  const outcomes = await write(
    'products',
    create('a', { title: 'Mug' }),
    create('b', { title: 'x'.repeat(256) }),
    create('c', { title: 'Cup', tags: 'not a list' }),
    create('d', { title: 'Can', 'metafields.custom.n': 'x' }),
    create('e', { title: 'Pot', createdAt: '2026-01-01T00:00:00Z' }),
  );
  expect(outcomes).toMatchObject([
    { result: 'written' },
    { result: 'refused', fault: { code: 'VALUE_TOO_LONG', column: 'title', uncertain: false } },
    { result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'tags' } },
    { result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'metafields.custom.n' } },
    { result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'createdAt' } },
  ]);
  expect(app.documents().length - before).toBe(1);
  expect(app.journal()).toHaveLength(1);
});

test('a value of the wrong kind in one row does not speak for the others when they are sent apart', async () => {
  const { app, write } = await openShop();
  const outcomes = await write(
    'products',
    create('a', { title: 'Mug' }),
    create('b', { title: 'Cup', status: 'SOLD' }),
  );
  expect(outcomes).toMatchObject([
    { result: 'refused', wholeBatch: true },
    { result: 'refused', wholeBatch: true, fault: { code: 'VALUE_REFUSED' } },
  ]);
  expect(app.journal()).toHaveLength(0);
});

test('an emptied metafield is removed, and one half of the search texts leaves the other', async () => {
  const { session, write } = await openShop({
    definitions: [{ owner: 'PRODUCT', namespace: 'custom', key: 'a', type: 'boolean' }],
  });
  const fields = { title: 'Mug', 'seo.title': 't', 'seo.description': 'd', 'metafields.custom.a': true };
  const id = idOf((await write('products', create('a', fields)))[0]);
  const changed = { 'seo.title': 'T', 'metafields.custom.a': null };
  const [outcome] = await write('products', update(id, changed, { fields: { ...fields, ...changed } }));
  expect(outcome).toMatchObject({ result: 'written', record: { fields: { 'metafields.custom.a': null } } });
  const columns = Object.keys(fields);
  const answer = await shopify.readByIds?.(session, { table: 'products', columns, ids: [id], askedFor: '1' });
  expect(answer?.records[0]?.fields).toEqual({ ...fields, ...changed });
});

test('variants of one product are changed together, and one that is refused or gone leaves the others', async () => {
  const { app, write } = await openShop();
  const product = idOf((await write('products', create('a', { title: 'Mug' })))[0]);
  const made = await write(
    'variants',
    ...['S', 'M', 'L'].map((name) =>
      create(name, {
        'product.id': product,
        selectedOptions: [{ name: 'Size', value: name }],
        price: '9.90',
        sku: name,
      }),
    ),
  );
  const [small = '', medium = '', large = ''] = made.map(idOf);
  expect(made[0]).toMatchObject({ record: { fields: { price: 9.9, sku: 'S', 'product.id': product } } });
  await write('variants', { op: 'delete', ref: 'd', idempotencyKey: 'd', id: large });
  const before = app.documents().length;
  const outcomes = await write(
    'variants',
    update(small, { price: 10.5, sku: 'S2' }),
    update(medium, { price: -1 }),
    update(large, { price: 1 }),
  );
  expect(outcomes).toMatchObject([
    { result: 'written', id: small, record: { fields: { price: 10.5, sku: 'S2' } } },
    { result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'price' } },
    { result: 'not_found' },
  ]);
  // One that finds the product, one that writes.
  expect(app.documents().length - before).toBe(2);
});

test('stock is set only when it still is what was last seen, once per key', async () => {
  const { app, page, write } = await openShop();
  await write('products', create('a', { title: 'Mug' }));
  const { records } = await page({ table: 'inventory_levels', columns: ['available'] });
  const id = records[0]?.id ?? '';
  const level = () =>
    [...app.store.levels.values()].find(
      (one) => `${one.item.split('/').at(-1) ?? ''}:${one.location.split('/').at(-1) ?? ''}` === id,
    );
  const set = (quantity: number, expected: number) =>
    write('inventory_levels', update(id, { available: quantity }, { expected: { available: expected } }));
  expect(await set(5, 0)).toMatchObject([{ result: 'written', id }]);
  // The answer was lost and the same is sent again: it answers as before and moves nothing.
  expect(await set(5, 0)).toMatchObject([{ result: 'written', id }]);
  expect(app.journal().filter(({ type }) => type === 'InventoryLevel')).toHaveLength(1);
  // Somebody bought two in between.
  Object.assign(level()?.quantities ?? {}, { available: 3 });
  expect(await set(6, 5)).toMatchObject([{ result: 'conflict' }]);
  expect(level()?.quantities['available']).toBe(3);
  expect(await write('inventory_levels', update('1:2', { available: 1 }))).toMatchObject([{ result: 'not_found' }]);
  expect(await write('inventory_levels', update(id, { committed: 1 }))).toMatchObject([
    { result: 'refused', fault: { column: 'committed' } },
  ]);
});

test('an item is stocked at a location by a create', async () => {
  const { app, write } = await openShop({ locations: 1 });
  await write('products', create('a', { title: 'Mug' }));
  const [item] = [...app.store.items.keys()];
  const [location] = [...app.store.locations.keys()];
  app.store.levels.clear();
  const [outcome] = await write(
    'inventory_levels',
    create('s', { 'item.id': item, 'location.id': location, available: 4 }),
  );
  expect(outcome).toMatchObject({ result: 'written' });
  expect([...app.store.levels.values()]).toMatchObject([{ quantities: { available: 4 } }]);
});

test('an order takes notes and tags, and nothing else', async () => {
  const { app, write } = await openShop();
  const { id } = app.order({ lines: [{ title: 'Mug', sku: null, quantity: 1, price: '1.00', variant: null }] });
  expect(await write('orders', update(id, { note: 'urgent', tags: ['b', 'a'] }))).toMatchObject([
    { result: 'written', record: { fields: { note: 'urgent', tags: ['a', 'b'] } } },
  ]);
  expect(await write('orders', create('x', { note: 'new' }))).toMatchObject([{ result: 'refused' }]);
  expect(await write('orders', update('gid://shopify/Order/1', { note: 'x' }))).toMatchObject([
    { result: 'not_found' },
  ]);
});

test('a failure inside a good answer leaves exactly its row uncertain', async () => {
  const { app, write } = await openShop();
  app.fail({
    with: {
      kind: 'body',
      contentType: 'application/json',
      body: JSON.stringify({
        data: {
          r0: {
            product: { id: 'gid://shopify/Product/1', updatedAt: '2026-01-01T00:00:00Z', title: 'Mug' },
            userErrors: [],
          },
          r1: null,
          r2: null,
        },
        errors: [
          {
            message: 'Internal error. Looks like something went wrong on our end.',
            path: ['r1'],
            extensions: { code: 'INTERNAL_SERVER_ERROR' },
          },
          { message: 'Access denied for productSet field.', path: ['r2'], extensions: { code: 'ACCESS_DENIED' } },
        ],
      }),
    },
  });
  const rows = ['a', 'b', 'c'].map((ref) => create(ref, { title: 'Mug' }));
  expect(await write('products', ...rows)).toMatchObject([
    { result: 'written', id: 'gid://shopify/Product/1' },
    { result: 'uncertain', fault: { code: 'SERVER_ERROR' } },
    { result: 'refused', fault: { code: 'PERMISSION_DENIED', class: 'AUTH_ERROR' } },
  ]);
});
