import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type {
  Session,
  Subscription,
  SubscriptionRequest,
  WebhookContext,
  WebhookDelivery,
  WebhookVerdict,
} from '../connector.ts';
import { createWooClient } from './client.ts';
import type { WooSettings } from './settings.ts';
import { WOO_TABLES } from './tables.ts';

const body = z.looseObject({
  id: z.number().optional(),
  type: z.string().optional(),
  parent_id: z.number().optional(),
});

/** The signature covers the body alone. The delivery's own id is the same for all of one second, so it is not used. */
export function verifyWooWebhook(
  { secrets }: WebhookContext<WooSettings>,
  { headers, body: raw }: WebhookDelivery,
): WebhookVerdict {
  const given = Buffer.from(headers['x-wc-webhook-signature'] ?? '');
  const genuine = secrets.some((secret) => {
    const wanted = Buffer.from(createHmac('sha256', secret).update(raw).digest('base64'));
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
  if (!genuine) {
    return { genuine: false, code: 'SIGNATURE_INVALID', reason: 'The signature does not belong to this body.' };
  }
  const topic = headers['x-wc-webhook-topic'] ?? '';
  const parsed = body.safeParse(readJson(raw));
  if (!parsed.success) return { genuine: false, code: 'BAD_RESPONSE', reason: 'The body is not a record.' };
  const deliveryId = createHash('sha256').update(`${topic}\n`).update(raw).digest('hex');
  return { genuine: true, deliveryId, changed: changedBy(topic, parsed.data) };
}

function changedBy(
  topic: string,
  { id, type, parent_id: product }: z.infer<typeof body>,
): { table: string; ids: string[] }[] {
  const table = WOO_TABLES.find(({ resource }) => resource !== undefined && resource === topic.split('.')[0]);
  if (table === undefined) return [];
  // Sent for a record that is gone by now: the body holds an error instead.
  if (id === undefined) return [{ table: table.name, ids: [] }];
  if (type !== 'variation') return [{ table: table.name, ids: [String(id)] }];
  return [{ table: 'variations', ids: product ? [`${String(product)}/${String(id)}`] : [] }];
}

function readJson(raw: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(raw).toString());
  } catch {
    return undefined;
  }
}

const EVENTS = ['created', 'updated', 'deleted', 'restored'];
/** After seven failures in a row the shop turns a webhook off without a word, so it is looked at often. */
const LOOK_AGAIN_AFTER = 3_600_000;

/** Makes what is missing, turns on what the shop has turned off. */
export async function keepWooWebhooks(
  session: Session<WooSettings>,
  { url, tables }: SubscriptionRequest,
): Promise<Subscription> {
  const client = createWooClient(session);
  let secret = await session.tokens.load('webhook_secret');
  if (secret === null) {
    secret = randomBytes(32).toString('hex');
    await session.tokens.store('webhook_secret', secret);
  }
  const known = await client.webhooks();
  const wanted = new Set(tables.map((name) => (name === 'variations' ? 'products' : name)));
  const kept: number[] = [];
  for (const { name, resource } of WOO_TABLES) {
    if (resource === undefined || !wanted.has(name)) continue;
    // Customers are never restored.
    for (const event of EVENTS.filter((one) => resource !== 'customer' || one !== 'restored')) {
      const topic = `${resource}.${event}`;
      const found = known.find((one) => one.topic === topic && one.delivery_url === url);
      const saved =
        found?.status === 'active'
          ? found
          : await client.saveWebhook(
              found?.id ?? null,
              found ? { status: 'active', secret } : { name: `Tideway ${topic}`, topic, delivery_url: url, secret },
            );
      kept.push(saved.id);
    }
  }
  return { id: kept.join(','), expiresAt: new Date(session.now() + LOOK_AGAIN_AFTER).toISOString() };
}
