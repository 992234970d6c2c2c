import type { Clock } from '../runtime/clock.ts';
import { Problem } from './problem.ts';

const MOST = 10_000;

/** A bucket for each caller: so many requests a second, twice as many at once. */
export class RateGate {
  readonly #clock: Clock;
  readonly #rate: number;
  readonly #buckets = new Map<string, { left: number; at: number }>();

  constructor(clock: Clock, rate: number) {
    this.#clock = clock;
    this.#rate = rate;
  }

  /** Throws when the bucket is empty. */
  pass(key: string): void {
    const now = this.#clock.now();
    const full = Math.max(1, this.#rate * 2);
    const { left, at } = this.#buckets.get(key) ?? { left: full, at: now };
    const there = Math.min(full, left + ((now - at) / 1000) * this.#rate);
    this.#buckets.delete(key);
    this.#buckets.set(key, { left: there < 1 ? there : there - 1, at: now });
    // The one that was quiet for longest has filled up again, or nearly.
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MOST && oldest !== undefined) this.#buckets.delete(oldest);
    if (there >= 1) return;
    throw new Problem(429, 'RATE_LIMIT', `More than ${String(this.#rate)} requests a second.`, {
      retryAfter: Math.max(1, Math.ceil((1 - there) / this.#rate)),
      mend: 'Wait as long as Retry-After says; an operator sets TIDEWAY_HTTP_RATE.',
    });
  }
}
