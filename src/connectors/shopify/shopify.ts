import { z } from 'zod';
import type { RemoteTable } from '../../model/remote-table.ts';
import type { Connector, Description } from '../connector.ts';
import { ask, type ShopifySession } from './client.ts';
import { findableColumns, findByKey } from './find-by-key.ts';
import { keepWebhook } from './keep-webhook.ts';
import { metafieldColumns } from './metafields.ts';
import { readByIds } from './read-by-ids.ts';
import { readPage } from './read-page.ts';
import { shopifySettings, shopUrl, signingSecrets, type ShopifySettings } from './settings.ts';
import { remoteColumn, TABLE_LIST, type Table } from './tables.ts';
import { TYPES } from './values.ts';
import { verifyShopifyWebhook } from './webhook.ts';
import { writeBatch } from './write-batch.ts';

/** A Shopify shop through the GraphQL Admin API. */
export const shopify: Connector<ShopifySettings> = {
  describe: (settings) => describe(settings ?? shopifySettings.parse({ shop: 'none.myshopify.com' })),

  origins: (settings) => [...new Set([shopUrl(settings), settings.bulk_url].map((url) => new URL(url).origin))],

  webhookSecrets: (secret) => signingSecrets(secret),

  identify: async (session) => {
    const { data, answer } = await ask(session, { document: '{shop{id name myshopifyDomain}}', cost: 1 });
    const { data: found } = shop.safeParse(data['shop']);
    if (found === undefined) throw answer.fault('the answer does not name the shop', { code: 'BAD_RESPONSE' });
    return { id: found.id, title: `${found.name} (${found.myshopifyDomain})` };
  },

  discover: async (session, wanted) => {
    const tables = TABLE_LIST.filter(({ name }) => wanted === undefined || wanted.includes(name));
    const found: RemoteTable[] = [];
    for (const table of tables) found.push(await discoverTable(session, table));
    return found;
  },

  readPage,
  readByIds,
  findByKey,
  writeBatch,
  verifyWebhook: verifyShopifyWebhook,
  keepWebhook,
};

const shop = z.object({ id: z.string().min(1), name: z.string(), myshopifyDomain: z.string() });

async function discoverTable(session: ShopifySession, table: Table): Promise<RemoteTable> {
  const metafields = table.owner === undefined ? [] : await metafieldColumns(session, table.owner);
  return {
    name: table.name,
    title: table.title,
    columns: [...table.columns.map(remoteColumn), ...metafields],
    capabilities: {
      create: table.create,
      update: table.update,
      delete: table.delete,
      changes: table.name !== 'locations',
      findBy: findableColumns(table, metafields),
    },
  };
}

function describe(settings: ShopifySettings): Description<ShopifySettings> {
  return {
    title: 'Shopify',
    settings: shopifySettings,
    secret: {
      required: true,
      hint: 'An access token of a custom app (shpat_…), or JSON with client_id, client_secret and, for an expiring token, refresh_token.',
    },
    types: TYPES,
    limits: {
      recordsPerPage: 1000,
      rowsPerWrite: 25,
      idsPerRead: 100,
      keysPerFind: 10,
      // The bucket of the smallest plan by the oldest account of it; the first answer tells the real one.
      rates: {
        requestsPerSecond: 20,
        burst: 10,
        concurrency: 4,
        points: { capacity: 1000, restorePerSecond: 50 },
      },
    },
    timing: {
      writeVisibleAfter: 0,
      searchVisibleAfter: settings.index_lag,
      requestLife: settings.request_life,
      changesOverlap: settings.overlap,
    },
    capabilities: {
      partialUpdate: true,
      delete: 'permanent',
      compareAndSet: 'field',
      idempotencyKeys: 'none',
      changes: 'modified_time',
      reportsDeletions: false,
      dateTimes: 'utc',
    },
  };
}
