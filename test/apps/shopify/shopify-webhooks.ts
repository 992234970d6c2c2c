import { createHmac, randomUUID } from 'node:crypto';

export interface ShopifyHook {
  readonly id: string;
  readonly number: number;
  readonly topic: string;
  readonly uri: string;
  readonly format: 'JSON';
  readonly createdAt: string;
}

export interface ShopifyDelivery {
  readonly topic: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Null when nobody answered. */
  status: number | null;
}

/** The headers of a delivery; the signature covers the body alone. */
export function shopifyHeaders(
  secret: string,
  topic: string,
  shop: string,
  body: string,
  id: string,
): Record<string, string> {
  return {
    'content-type': 'application/json',
    'x-shopify-topic': topic,
    'x-shopify-hmac-sha256': createHmac('sha256', secret).update(body).digest('base64'),
    'x-shopify-shop-domain': shop,
    'x-shopify-api-version': '2026-07',
    'x-shopify-webhook-id': id,
    'x-shopify-event-id': randomUUID(),
  };
}

/** Rings the subscribers of a topic. */
export class ShopifyWebhooks {
  readonly hooks = new Map<string, ShopifyHook>();
  readonly deliveries: ShopifyDelivery[] = [];
  private readonly pending = new Set<Promise<void>>();
  private readonly shop: string;
  private readonly secret: string;

  constructor(shop: string, secret: string) {
    this.shop = shop;
    this.secret = secret;
  }

  ring(enumTopic: string, payload: unknown): void {
    const topic = topicHeader(enumTopic);
    for (const hook of this.hooks.values()) {
      if (hook.topic !== enumTopic) continue;
      const sending = this.send(hook.uri, topic, JSON.stringify(payload));
      this.pending.add(sending);
      void sending.finally(() => this.pending.delete(sending));
    }
  }

  async quiet(): Promise<void> {
    await Promise.all(this.pending);
  }

  private async send(uri: string, topic: string, body: string): Promise<void> {
    const headers = shopifyHeaders(this.secret, topic, this.shop, body, randomUUID());
    const delivery: ShopifyDelivery = { topic, headers, body, status: null };
    this.deliveries.push(delivery);
    try {
      const answer = await fetch(uri, {
        method: 'POST',
        headers,
        body,
        redirect: 'manual',
        signal: AbortSignal.timeout(5000),
      });
      delivery.status = answer.status;
    } catch {
      // Nobody answered; the record of the delivery says so.
    }
  }
}

function topicHeader(topic: string): string {
  const words = topic.toLowerCase().split('_');
  return `${words.slice(0, -1).join('_')}/${words.at(-1) ?? ''}`;
}
