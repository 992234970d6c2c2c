import type { Connector } from '../connectors/connector.ts';
import type { Clock } from '../runtime/clock.ts';

export interface WebhookTarget {
  readonly number: number;
  readonly name: string;
  readonly connector: Connector<unknown>;
  readonly settings: unknown;
  /** Everything a delivery may be signed with, newest first. */
  readonly secrets: readonly string[];
}

export type OpenTarget = (token: string) => Promise<WebhookTarget | undefined>;

interface Known {
  readonly at: number;
  readonly target: Promise<WebhookTarget | undefined>;
}

const TRUST_FOR = 5_000;
const FRESH_FOR = 1_000;
const MOST = 10_000;

/** Remembers for a few seconds whom an address belongs to, so that a burst asks the database once. */
export class WebhookTargets {
  readonly #open: OpenTarget;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(open: OpenTarget, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
  }

  get(token: string): Promise<WebhookTarget | undefined> {
    return this.#get(token, TRUST_FOR);
  }

  /** For a delivery that seems forged: perhaps the secret was changed a moment ago. */
  anew(token: string): Promise<WebhookTarget | undefined> {
    return this.#get(token, FRESH_FOR);
  }

  #get(token: string, within: number): Promise<WebhookTarget | undefined> {
    const now = this.#clock.now();
    const known = this.#known.get(token);
    if (known !== undefined && now - known.at < within) return known.target;
    const target = this.#open(token);
    this.#known.delete(token);
    this.#known.set(token, { at: now, target });
    target.catch(() => this.#known.delete(token));
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
    return target;
  }
}
