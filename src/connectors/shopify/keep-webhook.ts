import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { Subscription, SubscriptionRequest } from '../connector.ts';
import { ask, connection, listCost, type GraphqlReply, type ShopifySession } from './client.ts';
import { isNode, tableOf, type TableName } from './tables.ts';
import { readUserErrors } from './user-errors.ts';

/** Shopify drops a subscription whose deliveries fail for some hours and says nothing, so it is looked for this often. */
const LOOK_EVERY = 3_600_000;

const TOPICS: Readonly<Record<TableName, readonly string[]>> = {
  products: ['PRODUCTS_CREATE', 'PRODUCTS_UPDATE', 'PRODUCTS_DELETE'],
  variants: ['PRODUCTS_CREATE', 'PRODUCTS_UPDATE', 'PRODUCTS_DELETE'],
  inventory_levels: ['INVENTORY_LEVELS_CONNECT', 'INVENTORY_LEVELS_UPDATE', 'INVENTORY_LEVELS_DISCONNECT'],
  customers: ['CUSTOMERS_CREATE', 'CUSTOMERS_UPDATE', 'CUSTOMERS_DELETE', 'CUSTOMERS_MERGE'],
  orders: ['ORDERS_CREATE', 'ORDERS_UPDATED', 'ORDERS_DELETE'],
  order_lines: ['ORDERS_CREATE', 'ORDERS_UPDATED', 'ORDERS_DELETE'],
  locations: ['LOCATIONS_CREATE', 'LOCATIONS_UPDATE', 'LOCATIONS_DELETE'],
};

const subscription = z.object({ id: z.string(), topic: z.string(), uri: z.string() });

type Held = z.infer<typeof subscription>;

/** Makes what is missing, removes what is no longer wanted, and asks to be called again soon. */
export async function keepWebhook(
  session: ShopifySession,
  { url, tables, known }: SubscriptionRequest,
): Promise<Subscription> {
  const held = await list(session);
  const topics = new Set(tables.flatMap((name) => TOPICS[tableOf(name).name]));
  const earlier = known?.state?.['url'];
  const mine = held.filter(({ uri }) => uri === url || uri === earlier);
  for (const { id, uri, topic } of mine) {
    if (uri !== url || !topics.has(topic)) await remove(session, id);
  }
  const kept = mine.filter(({ uri, topic }) => uri === url && topics.has(topic));
  const ids = kept.map(({ id }) => id);
  for (const topic of topics) {
    if (kept.some((one) => one.topic === topic)) continue;
    const id = await subscribe(session, topic, url);
    if (id !== undefined) ids.push(id);
  }
  return {
    id: ids[0] ?? known?.id ?? url,
    expiresAt: new Date(session.now() + LOOK_EVERY).toISOString(),
    state: { url },
  };
}

async function list(session: ShopifySession): Promise<Held[]> {
  const found: Held[] = [];
  let after: string | null = null;
  for (;;) {
    const reply: GraphqlReply = await ask(session, {
      document:
        'query($after:String){webhookSubscriptions(first:250,after:$after){nodes{id topic uri} pageInfo{hasNextPage endCursor}}}',
      variables: { after },
      cost: listCost(250, 0),
    });
    const page = connection.safeParse(reply.data['webhookSubscriptions']).data;
    const nodes = z.array(subscription).safeParse(page?.nodes).data;
    if (page === undefined || nodes === undefined) {
      throw reply.answer.fault('the list of subscriptions has an unexpected shape', { code: 'BAD_RESPONSE' });
    }
    found.push(...nodes);
    if (!page.pageInfo.hasNextPage) return found;
    after = page.pageInfo.endCursor;
  }
}

/** Undefined when the shop holds it already, made by an attempt that was never answered. */
async function subscribe(session: ShopifySession, topic: string, url: string): Promise<string | undefined> {
  const { data, answer } = await ask(session, {
    document:
      `mutation($uri:String!){webhookSubscriptionCreate(topic:${topic},webhookSubscription:{uri:$uri,format:JSON})` +
      `{webhookSubscription{id} userErrors{field message}}}`,
    variables: { uri: url },
    cost: 10,
  });
  const payload = data['webhookSubscriptionCreate'];
  const errors = isNode(payload) ? readUserErrors(payload['userErrors']) : undefined;
  if (!isNode(payload) || errors === undefined) {
    throw answer.fault('the answer names no subscription', { code: 'BAD_RESPONSE' });
  }
  const [error] = errors;
  if (error !== undefined) {
    if (/already been taken/.test(error.message)) return undefined;
    throw new Fault('SETTINGS_INVALID', `Shopify does not deliver ${topic} to this address: ${error.message}`, {
      suggestion: 'TIDEWAY_PUBLIC_URL must be a public https address.',
    });
  }
  const made = payload['webhookSubscription'];
  return isNode(made) && typeof made['id'] === 'string' ? made['id'] : undefined;
}

async function remove(session: ShopifySession, id: string): Promise<void> {
  // One that is gone already answers with a user error, and gone is what was wanted.
  await ask(session, {
    document:
      'mutation($id:ID!){webhookSubscriptionDelete(id:$id){deletedWebhookSubscriptionId userErrors{field message}}}',
    variables: { id },
    cost: 10,
  });
}
