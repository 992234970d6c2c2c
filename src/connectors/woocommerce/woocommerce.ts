import { Fault } from '../../model/fault.ts';
import type { RemoteColumn, RemoteTable } from '../../model/remote-table.ts';
import type { AppType, Connector, Description } from '../connector.ts';
import { createWooClient, type WooClient } from './client.ts';
import { findByKey, readByIds, readPage } from './read.ts';
import { readKeys, wooSettings, type WooSettings } from './settings.ts';
import { FIELD_TYPE, WOO_TABLES, type WooKind, type WooTable } from './tables.ts';
import { keepWooWebhooks, verifyWooWebhook } from './webhook.ts';
import { writeBatch } from './write.ts';

const NOTES: Partial<Record<WooKind, string>> = {
  text: 'The app has no null: empty text and null are the same.',
  amount: 'Text in the app, so nothing is rounded; empty is null.',
  reference: '0 in the app is null.',
  moment: 'Kept to the second, in UTC.',
  json: 'A list replaces the whole list; order lines are changed by their id.',
  meta: 'One entry of meta_data; numbers come back as text.',
};

const TYPES: readonly AppType[] = Object.entries(FIELD_TYPE).map(([name, type]) => {
  const note = NOTES[name as WooKind];
  return { name, type, writable: true, ...(note === undefined ? {} : { note }) };
});

/** WooCommerce through its REST API v3. */
export const woocommerce: Connector<WooSettings> = {
  describe: (settings) => describe(settings ?? wooSettings.parse({ base_url: 'https://shop.invalid' })),

  origins: ({ base_url: baseUrl }) => [new URL(baseUrl).origin],

  webhookSecrets: (secret) => {
    const made = readKeys(secret)?.webhook_secret;
    return made === undefined ? [] : [made];
  },

  identify: async (session) => {
    const client = createWooClient(session);
    // The index is open to all; only a request with the keys proves them.
    await client.list('products', { per_page: '1', _fields: 'id' });
    const { name, url, namespaces } = await client.site();
    if (!namespaces.includes('wc/v3')) {
      throw new Fault('SETTINGS_INVALID', `${url} is a WordPress without the API wc/v3.`, {
        suggestion: 'Activate WooCommerce 3.5 or later.',
      });
    }
    return { id: url, title: name || url };
  },

  discover: async (session, wanted) => {
    const client = createWooClient(session);
    const tables = WOO_TABLES.filter(({ name }) => wanted === undefined || wanted.includes(name));
    const found: RemoteTable[] = [];
    for (const table of tables) found.push(await describeTable(client, session.settings, table));
    return found;
  },

  readPage,
  readByIds,
  findByKey,
  writeBatch,
  verifyWebhook: verifyWooWebhook,
  keepWebhook: keepWooWebhooks,
};

async function describeTable(client: WooClient, settings: WooSettings, table: WooTable): Promise<RemoteTable> {
  const schema = await client.schema(table.ofProduct ? 'products/0/variations' : table.path);
  const keys = [
    ...(settings.meta[table.name] ?? []),
    ...(table.name === 'products' ? (await client.metaKeys()).filter((key) => !key.startsWith('_')) : []),
  ];
  const columns: RemoteColumn[] = table.columns.map(({ name, kind, writable, required, refersTo }) => ({
    name,
    type: FIELD_TYPE[kind],
    appType: kind,
    writable,
    required: required ?? false,
    ...(refersTo === undefined ? {} : { refersTo }),
  }));
  const covered = new Set(columns.map(({ name }) => name.split('.')[0]?.replace(/_gmt$/, '')));
  for (const name of Object.keys(schema)) {
    if (covered.has(name.replace(/_gmt$/, '')) || HIDDEN.has(name)) continue;
    columns.push({ name, type: 'json', appType: 'json', writable: false, required: false });
  }
  for (const key of new Set(keys)) {
    columns.push({ name: `meta:${key}`, type: FIELD_TYPE.meta, appType: 'meta', writable: true, required: false });
  }
  return {
    name: table.name,
    title: table.title,
    columns,
    capabilities: {
      create: true,
      update: true,
      delete: true,
      changes: table.changes,
      findBy: Object.keys(table.findBy),
    },
  };
}

/** Different at every look, or written only. */
const HIDDEN: ReadonlySet<string> = new Set([
  'id',
  'related_ids',
  'price_html',
  'permalink_template',
  'generated_slug',
  'password',
  'set_paid',
  'manual_update',
  'post_password',
]);

function describe(settings: WooSettings): Description<WooSettings> {
  return {
    title: 'WooCommerce',
    settings: wooSettings,
    secret: {
      required: true,
      hint: '{"consumer_key": "ck_…", "consumer_secret": "cs_…"}, from WooCommerce > Settings > Advanced > REST API, with read and write rights.',
    },
    types: TYPES,
    limits: {
      recordsPerPage: settings.records_per_page,
      rowsPerWrite: settings.rows_per_write,
      idsPerRead: 100,
      keysPerFind: 20,
      rates: {
        requestsPerSecond: settings.requests_per_second,
        burst: settings.concurrency,
        concurrency: settings.concurrency,
      },
    },
    timing: {
      writeVisibleAfter: 0,
      searchVisibleAfter: 0,
      requestLife: settings.request_life,
      changesOverlap: settings.overlap,
    },
    capabilities: {
      partialUpdate: true,
      delete: settings.deletes === 'trash' ? 'trash' : 'permanent',
      compareAndSet: 'none',
      idempotencyKeys: 'none',
      changes: 'modified_time',
      // The bin is read; what is deleted for good is found by sweeps only.
      reportsDeletions: false,
      dateTimes: 'utc',
    },
  };
}
