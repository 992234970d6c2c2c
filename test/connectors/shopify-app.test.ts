import { createAdminApiClient } from '@shopify/admin-api-client';
import { expect, onTestFinished, test } from 'vitest';
import { startShopifyApp, type ShopifyAppOptions } from '../apps/shopify/shopify-app.ts';

/** Shopify's own client against the stand-in. */
async function official(options: Partial<ShopifyAppOptions> = {}, token = 'shpat_official') {
  const app = await startShopifyApp({ token: 'shpat_official', ...options });
  onTestFinished(() => app.stop());
  const client = createAdminApiClient({
    storeDomain: app.shop,
    apiVersion: '2026-07',
    accessToken: token,
    // The client insists on https and the shop's own name.
    customFetchApi: (url, init) => fetch(String(url).replace(`https://${app.shop}`, app.url), init),
  });
  return { app, client };
}

test('Shopify’s own client writes, reads and pages', async () => {
  const { client } = await official();
  for (const title of ['Mug', 'Cup', 'Can']) {
    const { data, errors }: { data?: unknown; errors?: unknown } = await client.request(
      'mutation($input: ProductSetInput!){productSet(input:$input){product{id handle tags} userErrors{field message code}}}',
      { variables: { input: { title, tags: ['b', 'a'] } } },
    );
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({
      productSet: { product: { handle: title.toLowerCase(), tags: ['a', 'b'] }, userErrors: [] },
    });
  }
  const query =
    'query($after: String){products(first:2,after:$after){nodes{title variants(first:1){nodes{title price}}} pageInfo{hasNextPage endCursor}}}';
  const first = await client.request(query);
  expect(first.data).toMatchObject({
    products: {
      nodes: [{ title: 'Mug', variants: { nodes: [{ title: 'Default Title', price: '0.00' }] } }, {}],
      pageInfo: { hasNextPage: true },
    },
  });
  expect(first.extensions).toMatchObject({ cost: { throttleStatus: { maximumAvailable: 2000, restoreRate: 100 } } });
  const after = (first.data as { products: { pageInfo: { endCursor: string } } }).products.pageInfo.endCursor;
  const second = await client.request(query, { variables: { after } });
  expect(second.data).toMatchObject({ products: { nodes: [{ title: 'Can' }], pageInfo: { hasNextPage: false } } });
});

test.for([
  ['an unknown field', '{products(first:1){nodes{colour}}}', 'undefinedField'],
  [
    'a code on plain user errors',
    'mutation{productDelete(input:{id:"gid://shopify/Product/1"}){userErrors{code}}}',
    'undefinedField',
  ],
  ['a missing argument', '{product{id}}', 'missingRequiredArguments'],
  ['a wrong argument', '{product(id:{}){id}}', 'argumentLiteralsIncompatible'],
  ['no page size', '{products{nodes{id}}}', 'BAD_REQUEST'],
  ['a page that is too large', '{products(first:251){nodes{id}}}', 'BAD_REQUEST'],
  ['a bad cursor', '{products(first:1,after:"x"){nodes{id}}}', 'BAD_REQUEST'],
  ['a bad id', '{product(id:"7"){id}}', 'RESOURCE_NOT_FOUND'],
  [
    'a query that is too dear',
    '{a:orders(first:250){nodes{lineItems(first:250){nodes{product{id}}}}} b:orders(first:250){nodes{lineItems(first:250){nodes{product{id} variant{id}}}}} c:orders(first:250){nodes{lineItems(first:250){nodes{product{id} variant{id}}}}}}',
    'MAX_COST_EXCEEDED',
  ],
  [
    'stock without a key',
    'mutation{inventorySetQuantities(input:{reason:"correction",name:"available",quantities:[]}){userErrors{message}}}',
    'BAD_REQUEST',
  ],
] as const)('it refuses %s as the real API does', async ([, document, code]) => {
  const { client } = await official();
  const { errors } = await client.request(document);
  expect(errors?.graphQLErrors?.[0]).toMatchObject({ extensions: { code } });
});

test('it refuses a wrong token, and a bucket that is empty', async () => {
  const wrong = await official({}, 'shpat_other');
  expect((await wrong.client.request('{shop{id}}')).errors?.networkStatusCode).toBe(401);
  const poor = await official({ points: { capacity: 12, restorePerSecond: 1 }, now: () => 0 });
  const write = 'mutation{productSet(input:{title:"Mug"}){userErrors{message}}}';
  expect((await poor.client.request(write)).errors).toBeUndefined();
  const { errors, extensions } = await poor.client.request(write);
  expect(errors?.graphQLErrors?.[0]).toMatchObject({ message: 'Throttled', extensions: { code: 'THROTTLED' } });
  expect(extensions).toMatchObject({
    cost: { requestedQueryCost: 10, actualQueryCost: null, throttleStatus: { currentlyAvailable: 2 } },
  });
  expect(poor.app.journal()).toHaveLength(1);
});
