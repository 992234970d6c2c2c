import type { HeldLease } from '../connectors/owned-connection.ts';
import { Fault } from '../model/fault.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Database } from '../sql/database.ts';
import { releaseLease } from '../sql/connections/release-lease.ts';
import { takeLease } from '../sql/connections/take-lease.ts';

const LASTS = 8_000;
const RENEW_EVERY = 2_000;
/** Nothing is begun in the last second of a lease: a request must have left before another owner can begin. */
const MARGIN = 1_000;

export interface Taken {
  /** Taking over waits for what the last owner has under way. */
  readonly database: Database;
  /** Never busy with anything that takes long: a renewal that waits its turn comes too late. */
  readonly renewals: Database;
  readonly connection: number;
  readonly owner: string;
  readonly clock: Clock;
}

/** A connection's lease, renewed until it is given back or lost. Its end is judged by a clock that only grows. */
export class Lease implements HeldLease {
  readonly epoch: string;
  readonly #database: Database;
  readonly #connection: number;
  readonly #owner: string;
  readonly #clock: Clock;
  #until: number;

  private constructor(
    database: Database,
    connection: number,
    owner: string,
    clock: Clock,
    epoch: string,
    until: number,
  ) {
    this.#database = database;
    this.#connection = connection;
    this.#owner = owner;
    this.#clock = clock;
    this.epoch = epoch;
    this.#until = until;
  }

  /** Undefined while another owner holds it. */
  static async take({ database, renewals, connection, owner, clock }: Taken): Promise<Lease | undefined> {
    const from = clock.now();
    const epoch = await takeLease(database, connection, owner, LASTS);
    if (epoch === null) return undefined;
    return new Lease(renewals, connection, owner, clock, epoch, from + LASTS - MARGIN);
  }

  get isHeld(): boolean {
    return this.#clock.now() < this.#until;
  }

  readonly assertHeld = (): void => {
    if (this.isHeld) return;
    throw new Fault('CONNECTION_LOST', 'The lease of the connection may be over; nothing more is sent.');
  };

  /** Resolves when the lease is lost, or when told to stop. */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.wait(RENEW_EVERY, signal).catch(() => undefined);
      if (signal.aborted) return;
      // Asked for now it would be a take-over.
      if (!this.isHeld) return;
      const from = this.#clock.now();
      try {
        const epoch = await takeLease(this.#database, this.#connection, this.#owner, LASTS);
        if (epoch !== this.epoch) return;
        this.#until = from + LASTS - MARGIN;
      } catch {
        // The database may be back before the lease is over.
        if (!this.isHeld) return;
      }
    }
  }

  async release(): Promise<void> {
    this.#until = -Infinity;
    await releaseLease(this.#database, this.#connection, this.epoch).catch(() => undefined);
  }
}
