import type { PageResult } from '../sql/inbound/apply-page.ts';

const MOST = 10_000;
const LEAST = 25;
/** For so long a part may hold rows of a table that somebody else works on. */
const BOUND = 200;

/** How many records of a page are applied in one transaction: all while nobody minds, few while the table is busy. */
export class PartSize {
  // Small at first: nobody knows yet who works on the table.
  #records = 100;

  get records(): number {
    return this.#records;
  }

  learn(applied: number, { busy = false, locked_ms: held = 0 }: PageResult): void {
    const wanted = busy ? Math.floor((applied * BOUND * 0.75) / Math.max(held, 1)) : this.#records * 2;
    this.#records = Math.min(MOST, Math.max(LEAST, Math.min(wanted, this.#records * 2)));
  }
}
