import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { WebhookDelivery } from '../connectors/connector.ts';

export type SharedSecretVerdict =
  | {
      readonly genuine: true;
      /** Null: nothing tells this delivery from another one like it, so each counts. */
      readonly deliveryId: string | null;
      readonly changed: readonly { readonly table: string | null; readonly ids: readonly string[] }[];
      /** Which try of the sender's it is, as it says. */
      readonly attempt?: number;
    }
  | {
      readonly genuine: false;
      readonly code: 'SIGNATURE_INVALID' | 'TIMESTAMP_SKEW' | 'BAD_RESPONSE';
      readonly reason: string;
    };

const TOLERANCE = 5 * 60_000;
const SECRET_HEADER = 'x-tideway-secret';
const DELIVERY_HEADER = 'x-tideway-delivery';

const recordId = z.union([z.string().min(1).max(500), z.number().int().transform(String)]);
/** What a script sends. */
export const sharedSecretBody = z
  .object({
    recordId: recordId.optional(),
    recordIds: z.array(recordId).max(1000).optional(),
    table: z.string().min(1).max(500).optional(),
    source: z.string().max(500).optional(),
    attempt: z.number().int().min(1).max(1000).optional().catch(undefined),
    timestamp: z.union([z.string(), z.number()]).optional(),
  })
  .refine((body) => body.recordId !== undefined || body.recordIds !== undefined);

/** What a script can send that cannot sign: the secret itself in a header. Undefined when the delivery shows none. */
export function shownSecret({ headers }: WebhookDelivery): string | undefined {
  return headers[SECRET_HEADER] ?? /^Bearer +(.+)$/i.exec(headers['authorization'] ?? '')?.[1];
}

/** Believes a delivery that shows one of the connection's webhook secrets and names the records that changed. */
export function verifySharedSecret(
  { secrets, now }: { readonly secrets: readonly string[]; readonly now: () => number },
  delivery: WebhookDelivery,
): SharedSecretVerdict {
  const shown = digest(shownSecret(delivery) ?? '');
  // All are compared, so that the time tells nothing about which one was nearly right.
  const matching = secrets.filter((secret) => timingSafeEqual(digest(secret), shown));
  if (matching.length === 0) {
    return { genuine: false, code: 'SIGNATURE_INVALID', reason: 'The secret is not one of this connection.' };
  }
  const parsed = sharedSecretBody.safeParse(readJson(delivery.body));
  if (!parsed.success) {
    return {
      genuine: false,
      code: 'BAD_RESPONSE',
      reason: 'The body is not JSON with recordId, or recordIds of at most 1,000.',
    };
  }
  const { recordId: one, recordIds = [], table = null, timestamp, attempt } = parsed.data;
  const time = typeof timestamp === 'string' ? Date.parse(timestamp) : timestamp;
  if (time !== undefined && !(Math.abs(now() - time) <= TOLERANCE)) {
    return { genuine: false, code: 'TIMESTAMP_SKEW', reason: 'The timestamp is more than five minutes away from now.' };
  }
  const given = delivery.headers[DELIVERY_HEADER];
  return {
    genuine: true,
    deliveryId: given ?? (time === undefined ? null : digest(delivery.body).toString('hex')),
    changed: [{ table, ids: [...new Set(one === undefined ? recordIds : [one, ...recordIds])] }],
    ...(attempt === undefined ? {} : { attempt }),
  };
}

function digest(content: string | Uint8Array): Buffer {
  return createHash('sha256').update(content).digest();
}

function readJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
}
