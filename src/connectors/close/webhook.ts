import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type {
  Session,
  Subscription,
  SubscriptionRequest,
  WebhookContext,
  WebhookDelivery,
  WebhookVerdict,
} from '../connector.ts';
import { createCloseClient, type CloseClient } from './client.ts';
import type { CloseSettings } from './settings.ts';
import { CLOSE_TABLES } from './tables.ts';

const delivered = z.looseObject({
  event: z.looseObject({
    id: z.string().min(1),
    date_updated: z.string().default(''),
    object_type: z.string(),
    object_id: z.string(),
    action: z.string(),
    meta: z.looseObject({ merge_source_lead_id: z.string().nullish() }).nullish(),
  }),
});
type Event = z.infer<typeof delivered>['event'];

const KEY = /^(?:[0-9a-f]{2}){16,}$/i;

/** Signed are the time and the body, one after the other; the key is sent as hex and used as the bytes it stands for. */
export function verifyCloseWebhook(
  { settings, secrets, now }: WebhookContext<CloseSettings>,
  { headers, body }: WebhookDelivery,
): WebhookVerdict {
  const time = headers['close-sig-timestamp'] ?? '';
  const given = Buffer.from(headers['close-sig-hash'] ?? '');
  const genuine = secrets.some((secret) => {
    // A text that is no hex would be a key of no bytes, which anybody has.
    if (!KEY.test(secret)) return false;
    const wanted = Buffer.from(
      createHmac('sha256', Buffer.from(secret, 'hex')).update(time).update(body).digest('hex'),
    );
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
  if (!genuine || !/^\d+$/.test(time)) {
    return { genuine: false, code: 'SIGNATURE_INVALID', reason: 'The signature does not belong to this delivery.' };
  }
  if (Math.abs(now() - Number(time) * 1000) > settings.webhook_window) {
    return {
      genuine: false,
      code: 'TIMESTAMP_SKEW',
      reason: `The delivery was signed more than ${String(settings.webhook_window / 1000)} seconds away from now.`,
    };
  }
  const parsed = delivered.safeParse(readJson(body));
  if (!parsed.success) return { genuine: false, code: 'BAD_RESPONSE', reason: 'The body is not an event.' };
  const { event } = parsed.data;
  // An event can be put together with later ones; then it comes again with another time.
  return { genuine: true, deliveryId: `${event.id} ${event.date_updated}`, changed: changedBy(event) };
}

function changedBy({ object_type: object, object_id: id, action, meta }: Event): { table: string; ids: string[] }[] {
  if (object === 'activity.task_completed') return [{ table: 'tasks', ids: [] }];
  const table = CLOSE_TABLES.find((one) => one.object === object);
  if (table === undefined) return [];
  const source = action === 'merged' ? meta?.merge_source_lead_id : undefined;
  // What belonged to the source has moved; its own events say so.
  return [{ table: table.name, ids: source ? [id, source] : [id] }];
}

function readJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
}

interface Listening {
  readonly object_type: string;
  readonly action: string;
}

function eventsOf(tables: readonly string[]): Listening[] {
  return CLOSE_TABLES.filter(({ name, read }) => tables.includes(name) && read !== 'whole').flatMap(
    ({ name, object }) => [
      ...['created', 'updated', 'deleted', ...(name === 'leads' ? ['merged'] : [])].map((action) => ({
        object_type: object,
        action,
      })),
      ...(name === 'tasks' ? [{ object_type: 'activity.task_completed', action: 'created' }] : []),
    ],
  );
}

/** After three days of failures the app pauses a subscription, so it is looked at often. */
const LOOK_AGAIN_AFTER = 3_600_000;

/** One subscription for all tables. Its key is shown once, when it is made: one whose key is not known is made anew. */
export async function keepCloseWebhook(
  session: Session<CloseSettings>,
  { url, tables, known }: SubscriptionRequest,
): Promise<Subscription> {
  const client = createCloseClient(session);
  const events = eventsOf(tables);
  const ours = (await client.webhooks()).filter((one) => one.url === url || one.id === known?.id);
  const key = await session.tokens.load('webhook_secret');
  const kept = key === null || events.length === 0 ? undefined : ours.find(({ id }) => id === known?.id);
  for (const { id } of ours) if (id !== kept?.id) await client.remove('webhook', id);
  if (kept !== undefined) {
    const good = kept.status === 'active' && kept.url === url && sameEvents(kept.events, events);
    if (!good) await client.saveWebhook(kept.id, { status: 'active', url, events });
    return lasting(session, kept.id);
  }
  // Tables that are read as a whole ring no bell.
  if (events.length === 0) return lasting(session, 'none');
  const made = await make(client, { url, events, verify_ssl: true });
  try {
    await session.tokens.store('webhook_secret', made.signature_key);
  } catch (problem) {
    // What it would send could never be believed.
    await client.remove('webhook', made.id);
    throw problem;
  }
  return lasting(session, made.id);
}

function lasting({ now }: Session<CloseSettings>, id: string): Subscription {
  return { id, expiresAt: new Date(now() + LOOK_AGAIN_AFTER).toISOString() };
}

function sameEvents(shown: readonly Listening[], wanted: readonly Listening[]): boolean {
  const names = (all: readonly Listening[]): string =>
    [...new Set(all.map((one) => `${one.object_type} ${one.action}`))].sort().join();
  return names(shown) === names(wanted);
}

/** Subscriptions of another user of the organisation are not listed, but stand in the way all the same. */
async function make(client: CloseClient, body: unknown): ReturnType<CloseClient['makeWebhook']> {
  try {
    return await client.makeWebhook(body);
  } catch (problem) {
    const twins =
      problem instanceof Fault && problem.facts.status === 400
        ? (/duplicate[^]*/i.exec(problem.facts.message)?.[0].match(/whsub_\w+/g) ?? [])
        : [];
    if (twins.length === 0) throw problem;
    for (const id of twins) await client.remove('webhook', id);
    return client.makeWebhook(body);
  }
}
