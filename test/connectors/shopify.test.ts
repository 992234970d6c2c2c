import { describe } from 'vitest';
import { shopifySettings } from '../../src/connectors/shopify/settings.ts';
import { shopify } from '../../src/connectors/shopify/shopify.ts';
import { startShopifyApp, type ShopifyAppOptions } from '../apps/shopify/shopify-app.ts';
import { shopifyHeaders } from '../apps/shopify/shopify-webhooks.ts';
import { exerciseConnector } from './contract.ts';
import { FAULTS, misbehaving } from './misbehaving.ts';
import { openSession } from './open-session.ts';

const TOKEN = 'shpat_7f3a91c2d4e5';
const SHOP = 'tideway-test.myshopify.com';

const DEFINITIONS: ShopifyAppOptions['definitions'] = [
  { owner: 'PRODUCT', namespace: 'custom', key: 'weight', type: 'number_decimal' },
  { owner: 'PRODUCT', namespace: 'custom', key: 'serial', type: 'number_integer' },
  { owner: 'PRODUCT', namespace: 'custom', key: 'fragile', type: 'boolean' },
  { owner: 'PRODUCT', namespace: 'custom', key: 'made_at', type: 'date_time' },
  { owner: 'PRODUCT', namespace: 'custom', key: 'spec', type: 'json' },
  { owner: 'CUSTOMER', namespace: 'custom', key: 'since', type: 'date' },
];

const OWN_FAULTS: typeof FAULTS = {
  ...FAULTS,
  throttle: {
    kind: 'body',
    contentType: 'application/json',
    body: JSON.stringify({
      errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
      extensions: {
        cost: {
          requestedQueryCost: 22,
          actualQueryCost: null,
          throttleStatus: { maximumAvailable: 2000, currentlyAvailable: 21, restoreRate: 100 },
        },
      },
    }),
  },
};

const BENCHES = {
  products: {
    sample: (number: number) => ({ title: `Mug ${String(number)}`, vendor: 'Ovens', 'metafields.custom.weight': 1.5 }),
    correlation: 'title',
    edits: { column: 'templateSuffix', values: ['tall', 'wide'] },
    bad: { fields: { title: '' }, column: 'title' },
    exact: [
      { column: 'metafields.custom.weight', value: '12345678901234567890.123456789' },
      { column: 'metafields.custom.weight', value: 1e-7 },
      { column: 'metafields.custom.serial', value: '9007199254740993' },
      { column: 'metafields.custom.fragile', value: false },
      { column: 'metafields.custom.spec', value: { number: 1, deep: [true, null, 'ü\u2028'] } },
      {
        column: 'metafields.custom.made_at',
        value: '2026-03-29T02:30:00.123+01:00',
        shown: '2026-03-29T01:30:00Z',
      },
      { column: 'tags', value: ['b', ' a ', 'b'], shown: ['a', 'b'] },
      { column: 'title', value: 'Tasse „Süß“ \\ "quoted" $v0 {x}' },
      { column: 'templateSuffix', value: '' },
    ],
    readOnly: 'updatedAt',
    edit: (id: string, fields: object): [string, Record<string, unknown>] => [
      'mutation($p: ProductUpdateInput!){productUpdate(product:$p){userErrors{message}}}',
      { p: { id, ...fields } },
    ],
    remove: 'mutation($id: ID!){productDelete(input:{id:$id}){userErrors{message}}}',
  },
  customers: {
    sample: (number: number) => ({
      'defaultEmailAddress.emailAddress': `p${String(number)}@example.com`,
      firstName: 'Ada',
      note: 'n',
    }),
    correlation: 'defaultEmailAddress.emailAddress',
    edits: { column: 'note', values: ['Lübeck', 'Kiel'] },
    bad: { fields: { 'defaultEmailAddress.emailAddress': 'nobody' }, column: 'defaultEmailAddress.emailAddress' },
    exact: [
      { column: 'firstName', value: 'Zoë\u2028"' },
      { column: 'metafields.custom.since', value: '1900-02-28' },
    ],
    readOnly: 'numberOfOrders',
    edit: (id: string, fields: object): [string, Record<string, unknown>] => [
      'mutation($p: CustomerInput!){customerUpdate(input:$p){userErrors{message}}}',
      { p: { id, ...fields } },
    ],
    remove: 'mutation($id: ID!){customerDelete(input:{id:$id}){userErrors{message}}}',
  },
} as const;

/** An e-mail address belongs to one customer, so there are no twins to find. */
const withoutKeys = Object.fromEntries(
  Object.entries(shopify).filter(([name]) => name !== 'findByKey'),
) as unknown as typeof shopify;

/** The same suite page by page and in bulk, with an index that knows at once and one that lags. */
const MOODS: readonly [string, keyof typeof BENCHES, boolean, Partial<ShopifyAppOptions>][] = [
  ['products page by page', 'products', false, {}],
  ['products in bulk', 'products', true, {}],
  ['products with an index that lags', 'products', false, { indexLag: 30_000 }],
  ['customers page by page', 'customers', false, {}],
];

for (const [mood, table, bulk, options] of MOODS) {
  const bench = BENCHES[table];
  describe(mood, () => {
    exerciseConnector({
      connector: table === 'customers' ? withoutKeys : shopify,
      table,
      sample: bench.sample,
      correlation: bench.correlation,
      edits: bench.edits,
      bad: bench.bad,
      exact: bench.exact,
      readOnly: bench.readOnly,
      network: true,
      cursorsExpire: false,
      open: async () => {
        const app = await startShopifyApp({ token: TOKEN, shop: SHOP, definitions: DEFINITIONS ?? [], ...options });
        const settings = shopifySettings.parse({ shop: SHOP, base_url: app.url, bulk_url: app.url, bulk });
        const nobody = shopifySettings.parse({
          shop: SHOP,
          base_url: 'http://127.0.0.1:1',
          bulk_url: 'http://127.0.0.1:1',
        });
        const good = openSession({ connector: shopify, settings, secret: TOKEN, deadline: 2000 });
        const wrong = openSession({ connector: shopify, settings, secret: 'shpat_wrong_55' });
        const absent = openSession({ connector: shopify, settings: nobody, secret: TOKEN });
        return {
          ...misbehaving(good.session, (how) => {
            // The look-up before a create only reads; the request that matters is the one behind it.
            app.fail({ with: OWN_FAULTS[how] }, (body) => !body.includes('ByIdentifier'));
          }),
          withWrongSecret: wrong.session,
          withNobodyThere: absent.session,
          edit: (id, fields) => {
            app.person(...bench.edit(id, fields));
          },
          remove: (id) => {
            app.person(bench.remove, { id });
          },
          effects: () => app.journal().length,
          settle: () => {
            app.revealAll();
          },
          webhook: {
            context: { settings, secrets: ['shpss_hook'], now: () => 1_790_000_000_000 },
            sign: () => {
              const body = JSON.stringify({ id: 632910392, admin_graphql_api_id: 'gid://shopify/Product/632910392' });
              return {
                headers: shopifyHeaders('shpss_hook', 'products/update', SHOP, body, 'delivery-1'),
                body: Buffer.from(body),
              };
            },
          },
          close: async () => {
            await Promise.all([good, wrong, absent].map((opened) => opened.close()));
            await app.stop();
          },
        };
      },
    });
  });
}
