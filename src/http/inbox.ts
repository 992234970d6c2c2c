import type { Log } from '../runtime/log.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Database } from '../sql/database.ts';
import { receiveWebhooks, type StoredDelivery } from '../sql/webhooks/receive-webhooks.ts';
import { settleInbox } from '../sql/webhooks/settle-inbox.ts';
import { Problem } from './problem.ts';

interface Waiting {
  readonly delivery: StoredDelivery;
  readonly resolve: (fresh: boolean) => void;
  readonly reject: (error: unknown) => void;
}

const MOST_AT_ONCE = 200;
const MOST_WAITING = 5_000;

/** Stores deliveries before they are answered: those that arrive during one commit share the next. */
export class Inbox {
  readonly #database: Database;
  readonly #log: Log;
  readonly #waiting: Waiting[] = [];
  #storing: Promise<void> | undefined;
  #settling: Promise<void> | undefined;
  #settleAgain = false;

  constructor(database: Database, log: Log) {
    this.#database = database;
    this.#log = log;
  }

  /** Resolves when the delivery is committed: true when it was not there before. */
  store(delivery: StoredDelivery): Promise<boolean> {
    if (this.#waiting.length >= MOST_WAITING) {
      throw new Problem(503, 'BUSY', 'More deliveries arrive than the database stores.', { retryAfter: 10 });
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ delivery, resolve, reject });
      this.#storing ??= this.#storeAll().finally(() => {
        this.#storing = undefined;
      });
    });
  }

  /** Turns what is stored into work; also what a daemon left that was killed in between. */
  settle(): void {
    if (this.#settling !== undefined) {
      this.#settleAgain = true;
      return;
    }
    this.#settling = this.#settleAll().finally(() => {
      this.#settling = undefined;
    });
  }

  async close(): Promise<void> {
    await this.#storing;
    await this.#settling;
  }

  async #storeAll(): Promise<void> {
    // One turn of the event loop lets the rest of a burst join.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MOST_AT_ONCE);
      try {
        const fresh = new Set(
          (
            await receiveWebhooks(
              this.#database,
              batch.map(({ delivery }) => delivery),
            )
          ).map(({ connection, delivery_id: id }) => `${String(connection)} ${id}`),
        );
        // Of two alike in one batch only the first is new.
        for (const { delivery, resolve } of batch)
          resolve(fresh.delete(`${String(delivery.connection)} ${delivery.id}`));
        this.settle();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
  }

  async #settleAll(): Promise<void> {
    try {
      do {
        this.#settleAgain = false;
        while ((await settleInbox(this.#database)) > 0);
      } while (this.#settleAgain);
    } catch (error) {
      this.#log.warn(
        { event: 'http.webhook.waiting', why: messageOf(error) },
        'Stored webhooks could not be turned into work; tried again soon',
      );
    }
  }
}
