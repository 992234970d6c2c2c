import { createHmac, randomBytes, randomUUID } from 'node:crypto';

const LIFE = 7 * 24 * 3_600_000;

export interface Hook {
  readonly id: string;
  readonly url: string;
  readonly tables: readonly string[];
  readonly secret: string;
  expiresAt: number;
}

/** One attempt to ring. `status` is null when nobody answered. */
export interface Delivery {
  readonly id: string;
  readonly hook: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  status: number | null;
}

/** Tells subscribers which records changed; signs id, time and body together. */
export class PlainWebhooks {
  readonly hooks: Hook[] = [];
  readonly deliveries: Delivery[] = [];
  private readonly now: () => number;
  private readonly pending = new Set<Promise<void>>();

  constructor(now: () => number) {
    this.now = now;
  }

  subscribe(url: string, tables: readonly string[]): Hook {
    const hook = {
      id: `hook_${randomUUID()}`,
      url,
      tables,
      secret: randomBytes(24).toString('base64url'),
      expiresAt: this.now() + LIFE,
    };
    this.hooks.push(hook);
    return hook;
  }

  renew(id: string): Hook | undefined {
    const hook = this.hooks.find((one) => one.id === id && one.expiresAt > this.now());
    if (hook) hook.expiresAt = this.now() + LIFE;
    return hook;
  }

  ring(changed: ReadonlyMap<string, ReadonlySet<string>>): void {
    for (const hook of this.hooks.filter(({ expiresAt }) => expiresAt > this.now())) {
      const named = [...changed].filter(([table]) => hook.tables.length === 0 || hook.tables.includes(table));
      if (named.length === 0) continue;
      const sending = this.send(
        hook,
        JSON.stringify({ changed: named.map(([table, ids]) => ({ table, ids: [...ids] })) }),
      );
      this.pending.add(sending);
      void sending.finally(() => this.pending.delete(sending));
    }
  }

  /** Resolves when every delivery under way was answered or given up. */
  async quiet(): Promise<void> {
    await Promise.all(this.pending);
  }

  private async send(hook: Hook, body: string): Promise<void> {
    const id = randomUUID();
    const headers = signedHeaders(hook.secret, id, Math.floor(this.now() / 1000), body);
    const delivery: Delivery = { id, hook: hook.id, headers, body, status: null };
    this.deliveries.push(delivery);
    try {
      const answer = await fetch(hook.url, { method: 'POST', headers, body, signal: AbortSignal.timeout(5000) });
      delivery.status = answer.status;
    } catch {
      // Nobody answered; the record of the delivery says so.
    }
  }
}

/** The headers of a delivery, as the app makes them. */
export function signedHeaders(secret: string, id: string, timestamp: number, body: string): Record<string, string> {
  const signature = createHmac('sha256', secret)
    .update(`${id}.${String(timestamp)}.${body}`)
    .digest('hex');
  return {
    'content-type': 'application/json',
    'x-plain-delivery': id,
    'x-plain-timestamp': String(timestamp),
    'x-plain-signature': `v1=${signature}`,
  };
}
