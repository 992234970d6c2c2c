import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type {
  Session,
  Subscription,
  SubscriptionRequest,
  WebhookContext,
  WebhookDelivery,
  WebhookVerdict,
} from '../connector.ts';
import { createAirtableClient } from './client.ts';
import type { AirtableSettings } from './settings.ts';

/** Which webhook is ours, for the reads that look into its payloads. */
export const HOOK_ID = 'webhook_id';
const SECRET = 'webhook_secret';

const ping = z.looseObject({ base: z.looseObject({ id: z.string() }), webhook: z.looseObject({ id: z.string() }) });

/** A ping says only that something changed; the signature covers the raw body. */
export function verifyAirtableWebhook(
  { secrets, settings }: WebhookContext<AirtableSettings>,
  { headers, body }: WebhookDelivery,
): WebhookVerdict {
  const given = Buffer.from(headers['x-airtable-content-mac'] ?? '');
  const genuine = secrets.some((secret) => {
    const mac = createHmac('sha256', Buffer.from(secret, 'base64')).update(body).digest('hex');
    const wanted = Buffer.from(`hmac-sha256=${mac}`);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
  if (!genuine)
    return { genuine: false, code: 'SIGNATURE_INVALID', reason: 'The signature does not belong to this body.' };
  const parsed = ping.safeParse(readJson(body));
  if (!parsed.success || parsed.data.base.id !== settings.base_id) {
    return { genuine: false, code: 'BAD_RESPONSE', reason: 'The body does not name this base.' };
  }
  return { genuine: true, deliveryId: createHash('sha256').update(body).digest('hex'), changed: [] };
}

function readJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
}

/** Webhooks live for seven days; each refresh gives another seven. */
export async function keepAirtableWebhook(
  session: Session<AirtableSettings>,
  { url, known }: SubscriptionRequest,
): Promise<Subscription> {
  const client = createAirtableClient(session);
  const hooks = await client.hooks();
  const ours = hooks.find(({ id }) => id === known?.id);
  const alive = ours !== undefined && (ours.expirationTime == null || Date.parse(ours.expirationTime) > session.now());
  if (ours !== undefined && alive && ours.notificationUrl === url) {
    if (!ours.areNotificationsEnabled) await client.ringAgain(ours.id);
    return { id: ours.id, expiresAt: await client.refreshHook(ours.id) };
  }
  // One with our address whose secret we do not know was made by a call that was cut off.
  for (const hook of hooks) if (hook.id === known?.id || hook.notificationUrl === url) await client.removeHook(hook.id);
  const made = await client.makeHook({
    notificationUrl: url,
    specification: { options: { filters: { dataTypes: ['tableData'] } } },
  });
  await session.tokens.store(SECRET, made.macSecretBase64);
  await session.tokens.store(HOOK_ID, made.id);
  return { id: made.id, expiresAt: made.expirationTime ?? null };
}
