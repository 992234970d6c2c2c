import { expect, test } from 'vitest';
import { CONNECTORS } from '../../src/connectors/registry.ts';

const NEEDED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  airtable: { base_id: 'app00000000000000' },
  close: {},
  glide: { mode: 'v2' },
  google_sheets: {},
  netsuite: { account_id: '1234567' },
  odoo: { base_url: 'https://example.odoo.com', database: 'shop' },
  plain: { base_url: 'http://127.0.0.1:4000' },
  shopify: { shop: 'my-shop.myshopify.com' },
  woocommerce: { base_url: 'https://shop.example.com' },
};

test.each([...CONNECTORS])(
  '%s lives by the life of a request that is set, and has one of its own',
  (name, connector) => {
    const timing = (settings: Readonly<Record<string, unknown>>) =>
      connector.describe(connector.describe().settings.parse({ ...NEEDED[name], ...settings })).timing;
    expect(timing({ request_life: 77 }).requestLife).toBe(77);
    // Nothing is sent again before this is over, so it must not be nothing by itself.
    expect(timing({}).requestLife).toBeGreaterThanOrEqual(30_000);
  },
);
