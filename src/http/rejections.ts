import type { Clock } from '../runtime/clock.ts';
import type { Database } from '../sql/database.ts';
import { noteRejectedWebhooks } from '../sql/webhooks/note-rejected-webhooks.ts';

interface Tally {
  readonly connection: number;
  readonly code: string;
  readonly message: string;
  times: number;
  notBefore: number;
}

const LOG_EVERY = 60_000;

/** Deliveries that were not believed: the first is logged at once, the rest of a minute in one row. */
export class Rejections {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #tallies = new Map<string, Tally>();

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async add(connection: number, code: string, message: string): Promise<void> {
    const name = `${String(connection)} ${code}`;
    const tally = this.#tallies.get(name) ?? { connection, code, message, times: 0, notBefore: 0 };
    this.#tallies.set(name, tally);
    tally.times += 1;
    await this.flush();
  }

  async flush(always = false): Promise<void> {
    const now = this.#clock.now();
    for (const [name, tally] of this.#tallies) {
      if (tally.notBefore > now && !always) continue;
      if (tally.times === 0) {
        this.#tallies.delete(name);
        continue;
      }
      const { connection, code, message, times } = tally;
      tally.times = 0;
      tally.notBefore = now + LOG_EVERY;
      await noteRejectedWebhooks(this.#database, connection, { code, message, times }).catch(() => {
        tally.times += times;
      });
    }
  }
}
