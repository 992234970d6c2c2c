import { generateKeyPairSync } from 'node:crypto';
import { startAirtableApp } from '../test/apps/airtable/airtable-app.ts';
import { startCloseApp } from '../test/apps/close/close-app.ts';
import { startGlideApp } from '../test/apps/glide/glide-app.ts';
import { startSheetsApp } from '../test/apps/google-sheets/sheets-app.ts';
import { startNetsuiteApp } from '../test/apps/netsuite/netsuite-app.ts';
import { startOdooApp } from '../test/apps/odoo/odoo-app.ts';
import { PARTNER_MODELS } from '../test/apps/odoo/partners.ts';
import { COOKBOOK_TABLES } from '../test/apps/plain/cookbook-tables.ts';
import { startPlainApp } from '../test/apps/plain/plain-app.ts';
import { startShopifyApp } from '../test/apps/shopify/shopify-app.ts';
import { startWooApp } from '../test/apps/woocommerce/woo-app.ts';

interface StandIn {
  readonly app: { readonly url: string; stop(): Promise<unknown> };
  /** The variable that the page gives to the daemon, and what is in it. */
  readonly secret: readonly [name: string, value: string];
  readonly connection: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly system?: string;
}

/** One for each page of docs/systems and one for the cookbook, with what the statements of the page name. */
export const STAND_INS: Readonly<Record<string, () => Promise<StandIn>>> = {
  airtable: async () => {
    const token = 'patXXXXXXXXXXXXXX.0123456789abcdef';
    const baseId = 'appAbCdEfGhIjKlMn';
    const fields = [
      { id: 'fldVin0000000001', name: 'VIN', type: 'singleLineText' },
      { id: 'fldMake000000001', name: 'Make', type: 'singleLineText' },
      { id: 'fldPrice00000001', name: 'Price', type: 'number' },
      { id: 'fldSold000000001', name: 'Sold', type: 'checkbox' },
      { id: 'fldSeen000000001', name: 'Seen', type: 'dateTime' },
    ] as const;
    const table = { id: 'tblVehicles000001', name: 'Vehicles', fields };
    const app = await startAirtableApp({ token, baseId, tables: [table] });
    app.add(table.id, { [fields[0].id]: 'W0L0AHL3572000001', [fields[1].id]: 'Opel', [fields[2].id]: 1200.5 });
    return {
      app,
      secret: ['AIRTABLE_TOKEN', token],
      connection: 'fleet',
      settings: { base_url: app.url, base_id: baseId },
    };
  },
  close: async () => {
    const key = 'api_0123456789abcdef';
    const id = 'custom.cf_jmQ3gTzAzxXgTQcUjYQSu0VV8dHwjGAjB2dXzWyOwrZ';
    const size = 'custom.cf_v6S011I6MqcbVvB2FA5Nk8dr5MkL8sWuCiG8cUleO9c';
    const app = await startCloseApp({
      key,
      fields: {
        lead: [
          { id: id.slice(7), name: 'Key', type: 'text' },
          { id: size.slice(7), name: 'Size', type: 'number' },
        ],
      },
    });
    app.store.create('lead', { [id]: 'a', name: 'Ada & Sons', [size]: 12 }, 'person');
    return { app, secret: ['CLOSE_KEY', key], connection: 'crm', settings: { base_url: app.url } };
  },
  glide: async () => {
    const token = '11111111-2222-4333-8444-555555555555';
    const id = 'native-table-MX8xNW5WWoJhW4fwEeN7';
    const app = await startGlideApp({
      token,
      app: { id: 'mT91fPcZCWigkZXgSZGJ', name: 'Shop' },
      applyAfter: 500,
      tables: [
        {
          id,
          name: 'Products',
          columns: [
            { id: 'product_name', kind: 'string' },
            { id: 'sku', kind: 'string' },
            { id: 'photo', kind: 'image-uri' },
            { id: 'contact', kind: 'email-address' },
            { id: 'restocked', kind: 'date-time' },
          ],
        },
      ],
    });
    app.edit(id, { op: 'create', id: 'row1', cells: { sku: 'L-1', product_name: 'Lamp' } });
    return {
      app,
      secret: ['GLIDE_TOKEN', token],
      connection: 'shop',
      settings: { base_url: app.url, mode: 'classic', app_id: 'mT91fPcZCWigkZXgSZGJ' },
    };
  },
  'google-sheets': async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const email = 'sync@project.iam.gserviceaccount.com';
    const spreadsheet = '1AbCdEfGhIjKlMnOpQrStUvWxYz';
    const app = await startSheetsApp({
      service: { client_email: email, public_key: publicKey },
      documents: [
        {
          id: spreadsheet,
          title: 'Stock',
          tabs: [
            {
              sheetId: 0,
              title: 'List',
              rows: [
                ['SKU', 'Name', 'Count', 'Since'],
                ['L-1', 'Lamp', 3],
              ],
            },
          ],
        },
      ],
    });
    return {
      app,
      secret: ['SHEETS_KEY', JSON.stringify({ type: 'service_account', client_email: email, private_key: privateKey })],
      connection: 'sheet',
      system: 'google_sheets',
      settings: {
        base_url: app.url,
        token_url: `${app.url}/token`,
        spreadsheet,
        tabs: { 0: { header_row: 1, key: 'SKU', types: { Since: 'date' } } },
      },
    };
  },
  netsuite: async () => {
    const keys = { consumer_key: 'ck', consumer_secret: 'cs-5512', token_id: 'tk', token_secret: 'ts-9981' };
    const app = await startNetsuiteApp({
      account: '1234567_SB1',
      tokens: { ck: keys.consumer_key, cs: keys.consumer_secret, tk: keys.token_id, ts: keys.token_secret },
      types: [
        {
          name: 'customer',
          from: 'customer',
          fields: { email: 'text', companyName: 'text', phone: 'text', isInactive: 'boolean' },
          required: ['companyName'],
        },
      ],
    });
    app.add('customer', { email: 'ada@example.com', companyName: 'Ada & Sons', isInactive: false });
    return {
      app,
      secret: ['NETSUITE_SECRET', JSON.stringify(keys)],
      connection: 'erp',
      settings: { base_url: app.url, account_id: '1234567_SB1' },
    };
  },
  odoo: async () => {
    const key = '0123456789abcdef0123456789abcdef01234567';
    const app = await startOdooApp({
      database: 'example',
      users: [{ id: 7, login: 'tideway@example.com', password: 'unused-password', apiKeys: [key] }],
      models: PARTNER_MODELS,
    });
    app.edit('res.country', { op: 'create', values: { name: 'Austria', code: 'AT' } });
    return {
      app,
      secret: ['ODOO_KEY', key],
      connection: 'erp',
      settings: { base_url: app.url, database: 'example', login: 'tideway@example.com' },
    };
  },
  shopify: async () => {
    const token = 'shpat_0123456789abcdef';
    const app = await startShopifyApp({ token });
    return {
      app,
      secret: ['SHOPIFY_SECRET', token],
      connection: 'shop',
      settings: { base_url: app.url, shop: 'tideway-test.myshopify.com' },
    };
  },
  woocommerce: async () => {
    const key = { consumer_key: `ck_${'1'.repeat(40)}`, consumer_secret: `cs_${'2'.repeat(40)}` };
    const app = await startWooApp({ keys: [{ ...key, permission: 'read_write' }] });
    app.store.create(
      'customers',
      { email: 'ada@example.com', first_name: 'Ada', meta_data: [{ key: 'favourite_colour', value: 'green' }] },
      'person',
    );
    return {
      app,
      secret: ['WOO_KEYS', JSON.stringify(key)],
      connection: 'shop',
      settings: { base_url: app.url, meta: { customers: ['favourite_colour'] } },
    };
  },
  cookbook: async () => {
    const token = 'plain-token';
    const tables = Object.entries(COOKBOOK_TABLES).map(([id, columns]) => ({ id, columns }));
    const app = await startPlainApp({ token, title: 'Cookbook', tables });
    return {
      app,
      secret: ['PLAIN_TOKEN', token],
      connection: 'crm',
      system: 'plain',
      settings: { base_url: app.url },
    };
  },
};
