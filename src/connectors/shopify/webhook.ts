import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { parseExactJson } from '../../runtime/exact-json.ts';
import type { WebhookContext, WebhookDelivery, WebhookVerdict } from '../connector.ts';
import type { ShopifySettings } from './settings.ts';
import { gid, isNode, type TableName } from './tables.ts';

type Changed = { readonly table: TableName; readonly ids: readonly string[] };

/** The signature covers the raw body only: headers are hints, and so is the whole delivery. */
export function verifyShopifyWebhook(
  { settings, secrets }: WebhookContext<ShopifySettings>,
  { headers, body }: WebhookDelivery,
): WebhookVerdict {
  const given = Buffer.from(headers['x-shopify-hmac-sha256'] ?? '', 'base64');
  const genuine = secrets.some((secret) => {
    const wanted = createHmac('sha256', secret).update(body).digest();
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
  if (!genuine) {
    return { genuine: false, code: 'SIGNATURE_INVALID', reason: 'The signature does not belong to this delivery.' };
  }
  const shop = headers['x-shopify-shop-domain'];
  if (shop !== undefined && shop.toLowerCase() !== settings.shop.toLowerCase()) {
    return { genuine: false, code: 'BAD_RESPONSE', reason: 'The delivery comes from another shop.' };
  }
  const content = readJson(body);
  if (content === undefined) {
    return { genuine: false, code: 'BAD_RESPONSE', reason: 'The body is not a JSON object.' };
  }
  return {
    genuine: true,
    deliveryId: headers['x-shopify-webhook-id'] ?? createHash('sha256').update(body).digest('hex'),
    changed: changedBy((headers['x-shopify-topic'] ?? '').toLowerCase(), content),
  };
}

function readJson(body: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    // Ids can be larger than a double holds.
    const content = parseExactJson(Buffer.from(body).toString());
    return isNode(content) ? content : undefined;
  } catch {
    return undefined;
  }
}

/** What a topic says to read again. One that is not known reads the changes of every table. */
function changedBy(topic: string, content: Readonly<Record<string, unknown>>): readonly Changed[] {
  switch (topic.slice(0, Math.max(0, topic.indexOf('/')))) {
    case 'products':
      return [one('products', 'Product', content), ...variantsIn(content, topic)];
    case 'inventory_levels': {
      const item = idOf(content['inventory_item_id']);
      const location = idOf(content['location_id']);
      return [{ table: 'inventory_levels', ids: item && location ? [`${item}:${location}`] : [] }];
    }
    case 'inventory_items':
      return [{ table: 'variants', ids: [] }];
    case 'orders': {
      const order = idOf(content['id']);
      const lines = listIn(content, 'line_items').flatMap((id) => (order === undefined ? [] : [`${order}:${id}`]));
      return [
        one('orders', 'Order', content),
        ...(lines.length === 0 ? [] : [{ table: 'order_lines' as const, ids: lines }]),
      ];
    }
    case 'customers':
      return topic === 'customers/merge' ? [{ table: 'customers', ids: [] }] : [one('customers', 'Customer', content)];
    case 'locations':
      return [one('locations', 'Location', content)];
    default:
      return [];
  }
}

/** There is no topic for variants: they come with their product, and a long list may be cut. */
function variantsIn(content: Readonly<Record<string, unknown>>, topic: string): Changed[] {
  const ids = listIn(content, 'variants').map((id) => gid('ProductVariant', id));
  if (ids.length === 0) return topic === 'products/delete' ? [] : [{ table: 'variants', ids: [] }];
  return [{ table: 'variants', ids: ids.length >= 100 ? [] : ids }];
}

function listIn(content: Readonly<Record<string, unknown>>, name: string): string[] {
  const list = content[name];
  if (!Array.isArray(list)) return [];
  return (list as unknown[]).flatMap((item) => (isNode(item) ? (idOf(item['id']) ?? []) : []));
}

function one(table: TableName, type: string, content: Readonly<Record<string, unknown>>): Changed {
  const id = idOf(content['id']);
  return { table, ids: id === undefined ? [] : [gid(type, id)] };
}

function idOf(value: unknown): string | undefined {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
  return /^\d+$/.test(text) ? text : undefined;
}
