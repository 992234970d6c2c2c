import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { WebhookContext, WebhookDelivery, WebhookVerdict } from '../connector.ts';
import type { PlainSettings } from './settings.ts';

const TOLERANCE_SECONDS = 300;

const content = z.object({ changed: z.array(z.object({ table: z.string(), ids: z.array(z.string()).max(1000) })) });

/** The signature covers the delivery's id, its time and its body. */
export function verifyPlainWebhook(
  { secrets, now }: WebhookContext<PlainSettings>,
  { headers, body }: WebhookDelivery,
): WebhookVerdict {
  const id = headers['x-plain-delivery'] ?? '';
  const timestamp = headers['x-plain-timestamp'] ?? '';
  const given = Buffer.from((headers['x-plain-signature'] ?? '').replace(/^v1=/, ''), 'hex');
  const genuine = secrets.some((secret) => {
    const wanted = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest();
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
  if (!genuine || id === '') {
    return { genuine: false, code: 'SIGNATURE_INVALID', reason: 'The signature does not belong to this delivery.' };
  }
  if (!(Math.abs(now() / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS)) {
    return {
      genuine: false,
      code: 'TIMESTAMP_SKEW',
      reason: 'The delivery was signed more than five minutes away from now.',
    };
  }
  const parsed = content.safeParse(readJson(body));
  if (!parsed.success) return { genuine: false, code: 'BAD_RESPONSE', reason: 'The body does not name what changed.' };
  return { genuine: true, deliveryId: id, changed: parsed.data.changed };
}

function readJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
}
