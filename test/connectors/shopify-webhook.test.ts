import { expect, test } from 'vitest';
import { shopifySettings } from '../../src/connectors/shopify/settings.ts';
import { shopify } from '../../src/connectors/shopify/shopify.ts';
import { shopifyHeaders } from '../apps/shopify/shopify-webhooks.ts';
import { create, openShop } from './shopify-stage.ts';

const settings = shopifySettings.parse({ shop: 'my-shop.myshopify.com' });

function verdict(topic: string, body: string, secrets: readonly string[] = ['s'], shop: string = settings.shop) {
  const headers = shopifyHeaders('s', topic, shop, body, 'w-1');
  return shopify.verifyWebhook?.({ settings, secrets, now: () => 0 }, { headers, body: Buffer.from(body) });
}

test('the published vector opens', () => {
  const body = Buffer.from('{"id":632910392,"title":"Café"}');
  const headers = {
    'x-shopify-hmac-sha256': 'Tk9BvMzbztVxKlA78TYczsnK1+F3Mhw9pjJZnAuCWXI=',
    'x-shopify-topic': 'products/update',
  };
  expect(
    shopify.verifyWebhook?.({ settings, secrets: ['shpss_test_secret'], now: () => 0 }, { headers, body }),
  ).toMatchObject({
    genuine: true,
    changed: [{ table: 'products', ids: ['gid://shopify/Product/632910392'] }, { table: 'variants' }],
  });
});

test.for([
  [
    'products/delete',
    '{"id":788032119674292922}',
    [{ table: 'products', ids: ['gid://shopify/Product/788032119674292922'] }],
  ],
  [
    'products/update',
    '{"id":1,"variants":[{"id":788032119674292923}]}',
    [
      { table: 'products', ids: ['gid://shopify/Product/1'] },
      { table: 'variants', ids: ['gid://shopify/ProductVariant/788032119674292923'] },
    ],
  ],
  [
    'products/update',
    JSON.stringify({ id: 1, variants: Array.from({ length: 100 }, (_, id) => ({ id: id + 1 })) }),
    [
      { table: 'products', ids: ['gid://shopify/Product/1'] },
      { table: 'variants', ids: [] },
    ],
  ],
  [
    'inventory_levels/update',
    '{"inventory_item_id":271878346596884015,"location_id":24826418,"available":5}',
    [{ table: 'inventory_levels', ids: ['271878346596884015:24826418'] }],
  ],
  [
    'orders/updated',
    '{"id":5,"line_items":[{"id":6}]}',
    [
      { table: 'orders', ids: ['gid://shopify/Order/5'] },
      { table: 'order_lines', ids: ['5:6'] },
    ],
  ],
  ['customers/merge', '{"admin_graphql_api_customer_kept_id":"x"}', [{ table: 'customers', ids: [] }]],
  ['something/new', '{}', []],
] as const)('%s names what to read again', ([topic, body, changed]) => {
  expect(verdict(topic, body)).toEqual({ genuine: true, deliveryId: 'w-1', changed });
});

test('any of several secrets opens, another shop and a body that is no object do not', () => {
  expect(verdict('products/update', '{"id":1}', ['new', 'older', 's'])).toMatchObject({ genuine: true });
  expect(verdict('products/update', '{"id":1}', ['s'], 'other.myshopify.com')).toMatchObject({ genuine: false });
  expect(verdict('products/update', '[1]')).toMatchObject({ genuine: false, code: 'BAD_RESPONSE' });
  expect(
    shopify.webhookSecrets?.('{"access_token":"t","client_secret":"n","old_client_secrets":["o"]}', settings),
  ).toEqual(['n', 'o']);
  expect(shopify.webhookSecrets?.('shpat_plain', settings)).toEqual([]);
});

test('the watchdog makes missing subscriptions again, keeps those that are there and removes the rest', async () => {
  const { app, session, clock } = await openShop();
  const keep = (
    url: string,
    tables: readonly string[],
    known: Parameters<NonNullable<typeof shopify.keepWebhook>>[1]['known'],
  ) => shopify.keepWebhook?.(session, { url, tables, known });
  const made = (await keep('https://t.example/hook', ['products', 'variants', 'orders'], null)) ?? null;
  expect(
    app
      .subscriptions()
      .map(({ topic }) => topic)
      .sort(),
  ).toEqual([
    'ORDERS_CREATE',
    'ORDERS_DELETE',
    'ORDERS_UPDATED',
    'PRODUCTS_CREATE',
    'PRODUCTS_DELETE',
    'PRODUCTS_UPDATE',
  ]);
  expect(Date.parse(made?.expiresAt ?? '')).toBe(clock.time + 3_600_000);
  const same = (await keep('https://t.example/hook', ['products', 'orders'], made)) ?? null;
  expect(same?.id).toBe(made?.id);
  app.dropSubscriptions();
  await keep('https://t.example/hook', ['orders'], same);
  expect(app.subscriptions()).toHaveLength(3);
  await keep('https://moved.example/hook', ['orders'], same);
  expect(new Set(app.subscriptions().map(({ uri }) => uri))).toEqual(new Set(['https://moved.example/hook']));
  await expect(keep('http://t.example/hook', ['orders'], null)).rejects.toMatchObject({
    facts: { code: 'SETTINGS_INVALID' },
  });
});

test('what the shop really sends is genuine and names the record', async () => {
  const { app, session, settings: own, write } = await openShop();
  await shopify.keepWebhook?.(session, { url: 'https://127.0.0.1:1/hook', tables: ['products'], known: null });
  const [outcome] = await write('products', create('a', { title: 'Mug' }));
  await app.webhooksQuiet();
  const [delivery] = app.deliveries();
  expect(delivery?.topic).toBe('products/create');
  const { headers = {}, body = '' } = delivery ?? {};
  expect(
    shopify.verifyWebhook?.(
      { settings: own, secrets: ['shpss_test_secret'], now: () => 0 },
      { headers, body: Buffer.from(body) },
    ),
  ).toMatchObject({
    genuine: true,
    changed: [
      { table: 'products', ids: [outcome?.result === 'written' ? outcome.id : ''] },
      { table: 'variants', ids: [] },
    ],
  });
});
