import { onTestFinished } from 'vitest';
import type { Page, PageRequest } from '../../src/connectors/connector.ts';
import { shopifySettings } from '../../src/connectors/shopify/settings.ts';
import { shopify } from '../../src/connectors/shopify/shopify.ts';
import type { WriteOutcome, WriteRow } from '../../src/model/write.ts';
import { startShopifyApp, type ShopifyAppOptions } from '../apps/shopify/shopify-app.ts';
import { openSession } from './open-session.ts';

const TOKEN = 'shpat_7f3a91c2d4e5';

/** A shop and a session with it, both gone when the test is over. */
export async function openShop(
  options: Partial<ShopifyAppOptions> & { secret?: string; settings?: Record<string, unknown>; time?: number } = {},
) {
  const clock = { time: options.time ?? 1_790_000_000_000 };
  const app = await startShopifyApp({ token: TOKEN, now: () => clock.time, ...options });
  const settings = shopifySettings.parse({
    shop: app.shop,
    base_url: app.url,
    bulk_url: app.url,
    bulk: false,
    overlap: 60_000,
    ...options.settings,
  });
  const opened = openSession({
    connector: shopify,
    settings,
    secret: options.secret ?? TOKEN,
    now: () => clock.time,
  });
  onTestFinished(async () => {
    await opened.close();
    await app.stop();
  });
  const { session, tokens } = opened;
  let moment = 0;
  const page = async (request: Partial<PageRequest> & { table: string; columns: readonly string[] }): Promise<Page> => {
    moment += 1;
    const rest = { mode: 'full', after: null, limit: 100, filter: null, askedFor: String(moment), ...request } as const;
    return (await shopify.readPage?.(session, rest)) as Page;
  };
  const readAll = async (request: Parameters<typeof page>[0]): Promise<Page[]> => {
    const pages: Page[] = [];
    for (let after = request.after ?? null; pages.length < 500;) {
      const next = await page({ ...request, after });
      pages.push(next);
      if (next.complete) return pages;
      after = JSON.parse(JSON.stringify(next.next)) as typeof after;
    }
    throw new Error('the read never said that it was complete');
  };
  const write = async (table: string, ...rows: WriteRow[]): Promise<readonly WriteOutcome[]> =>
    (await shopify.writeBatch?.(session, { table, rows })) ?? [];
  return { app, session, settings, tokens, clock, page, readAll, write };
}

export function create(ref: string, fields: Record<string, never> | object, column?: string): WriteRow {
  const given = fields as Extract<WriteRow, { op: 'create' }>['fields'];
  return {
    op: 'create',
    ref,
    idempotencyKey: `key-${ref}`,
    fields: given,
    ...(column === undefined ? {} : { correlation: { column, value: given[column] ?? null } }),
  };
}

export function update(id: string, changed: object, more: object = {}): WriteRow {
  const given = changed as Extract<WriteRow, { op: 'update' }>['changed'];
  return { op: 'update', ref: id, idempotencyKey: `key-${id}`, id, changed: given, fields: given, ...more };
}
