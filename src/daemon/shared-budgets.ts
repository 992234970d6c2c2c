import { createHash } from 'node:crypto';
import type { Rates } from '../model/rates.ts';
import type { Clock } from '../runtime/clock.ts';
import { Budget } from '../runtime/rate-limit.ts';

/** What all connections with one secret may ask together, where an app counts so. */
export class SharedBudgets {
  readonly #clock: Clock;
  readonly #budgets = new Map<string, Budget>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The same for every connection of this system with this secret; undefined where the app counts each alone. */
  of(system: string, secret: string | null, rates: Rates | undefined): Budget | undefined {
    if (rates === undefined || secret === null) return undefined;
    const account = `${system} ${createHash('sha256').update(secret).digest('hex')}`;
    const budget = this.#budgets.get(account) ?? new Budget(rates, this.#clock.now());
    this.#budgets.set(account, budget);
    return budget;
  }
}
