import type { Clock } from '../runtime/clock.ts';

const MOST = 1_000;

/** What was looked up is not looked up again for a while; many who ask at once share one look. */
export class Remembered<Value> {
  readonly #clock: Clock;
  readonly #for: number;
  readonly #known = new Map<string, { readonly at: number; readonly value: Promise<Value> }>();

  constructor(clock: Clock, milliseconds: number) {
    this.#clock = clock;
    this.#for = milliseconds;
  }

  get(key: string, look: () => Promise<Value>): Promise<Value> {
    const known = this.#known.get(key);
    if (known !== undefined && this.#clock.now() - known.at < this.#for) return known.value;
    const value = look();
    this.#known.delete(key);
    this.#known.set(key, { at: this.#clock.now(), value });
    value.catch(() => this.#known.delete(key));
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
    return value;
  }
}
