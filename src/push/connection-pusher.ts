import type { OwnedConnection } from '../connectors/owned-connection.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Failpoint } from '../runtime/failpoint.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { NamedTasks } from '../runtime/named-tasks.ts';
import type { Database } from '../sql/database.ts';
import { activatePending } from '../sql/connections/activate-pending.ts';
import type { Work } from '../sql/connections/look-for-work.ts';
import { rejectSecret } from '../sql/connections/reject-secret.ts';
import { isOver } from '../sql/is-over.ts';
import { pushMappings } from '../sql/outbound/push-mappings.ts';
import { releaseDue } from '../sql/outbound/release-due.ts';
import { returnBatches } from '../sql/outbound/return-batches.ts';
import { MappingPusher } from './mapping-pusher.ts';
import { readCatalogue, Requests } from './requests.ts';

export interface ConnectionPusherOptions {
  readonly owned: OwnedConnection;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly failpoint: Failpoint;
  readonly metrics: Metrics;
}

interface Worker {
  readonly facts: string;
  readonly pusher: MappingPusher;
}

const CATALOGUE_RETRY = 5_000;
/** When an hour is over and the app cannot be asked. */
const CATALOGUE_AGAIN = 60_000;

/** Everything that goes from Postgres to one account: pushes, retries, requests. */
export class ConnectionPusher {
  readonly #options: ConnectionPusherOptions;
  readonly #requests: Requests;
  readonly #tasks: NamedTasks;
  #workers = new Map<number, Worker>();
  #catalogueAt = -Infinity;
  #catalogueNotBefore = -Infinity;

  constructor(options: ConnectionPusherOptions) {
    this.#options = options;
    const { owned } = options;
    this.#tasks = new NamedTasks({ ...options, stopping: owned.stopping, connection: owned.name, isOver });
    this.#requests = new Requests({ ...options, onMarks: () => this.wakeAll() });
  }

  /** Resolves when the connection is given up and everything under way has ended; rejects when the work cannot go on. */
  async run(): Promise<void> {
    const { owned, database, log } = this.#options;
    const returned = await returnBatches(database, owned.number, owned.lease.epoch);
    if (returned > 0)
      log.info(
        { event: 'push.batch.returned', connection: owned.name, rows: returned },
        'Took back what another owner had in flight',
      );
    await this.#refresh();
    await this.#tasks.untilStopped(() => this.#requests.settled());
  }

  /** Does what was found to be waiting; what is under way is looked at again afterwards. */
  handle(work: readonly Pick<Work, 'kind' | 'mapping'>[]): void {
    const kinds = new Set(work.map(({ kind }) => kind));
    if (kinds.has('request')) this.#tasks.start('requests', () => this.#requests.take());
    if (kinds.has('activate')) this.#tasks.start('activate', () => this.#activate());
    if (kinds.has('catalogue')) this.#tasks.start('catalogue', () => this.#readCatalogueAgain());
    for (const { kind, mapping } of work) {
      if (mapping === null) continue;
      if (kind === 'push') this.#push(mapping);
      if (kind === 'due') this.#tasks.start(`due ${String(mapping)}`, () => this.#due(mapping));
    }
  }

  /** False where the mapping is not one of this connection, or not known yet. */
  wake(mapping: number): boolean {
    if (!this.#workers.has(mapping)) return false;
    this.#push(mapping);
    return true;
  }

  wakeAll(): void {
    for (const number of this.#workers.keys()) this.#push(number);
  }

  #push(mapping: number): void {
    const { database, owned } = this.#options;
    this.#workers.get(mapping)?.pusher.more();
    this.#tasks.start(`push ${String(mapping)}`, async () => {
      const worker = this.#workers.get(mapping) ?? (await this.#refresh()).get(mapping);
      try {
        await worker?.pusher.drain();
      } catch (error) {
        if (isOver(error)) throw error;
        await returnBatches(database, owned.number, owned.lease.epoch, mapping);
        throw error;
      }
    });
  }

  async #due(mapping: number): Promise<void> {
    const { database } = this.#options;
    // Rows that wait for an app that is down would only be tried in vain.
    if ((this.#workers.get(mapping)?.pusher.closedFor ?? 0) > 0) return;
    if ((await releaseDue(database, mapping)) > 0) this.#push(mapping);
  }

  async #activate(): Promise<void> {
    const { owned, database, clock, log } = this.#options;
    if (clock.now() >= this.#catalogueAt + CATALOGUE_RETRY) {
      this.#catalogueAt = clock.now();
      await readCatalogue(owned, database);
    }
    const activated = await activatePending(database, owned.number, owned.lease.epoch);
    for (const { mapping, state } of activated)
      log.info({ event: 'push.mapping.activated', connection: owned.name, mapping, state }, 'Mapping was looked at');
    if (activated.length === 0) return;
    await this.#refresh();
    this.#tasks.start('requests', () => this.#requests.take());
  }

  async #readCatalogueAgain(): Promise<void> {
    const { owned, database, clock } = this.#options;
    if (clock.now() < this.#catalogueNotBefore) return;
    if (!(await readCatalogue(owned, database))) this.#catalogueNotBefore = clock.now() + CATALOGUE_AGAIN;
  }

  async #refresh(): Promise<Map<number, Worker>> {
    const { database, owned, log } = this.#options;
    const before = this.#workers;
    const workers = new Map<number, Worker>();
    for (const mapping of await pushMappings(database, owned.number)) {
      const facts = JSON.stringify(mapping);
      const known = before.get(mapping.number);
      const pusher =
        known?.facts === facts
          ? known.pusher
          : new MappingPusher({
              ...this.#options,
              mapping,
              onUnauthorized: async (reason) => {
                if (await rejectSecret(database, owned.number, owned.lease.epoch, reason)) {
                  log.error(
                    { event: 'push.secret.refused', connection: owned.name },
                    `The app refuses the secret: ${reason}`,
                  );
                }
              },
            });
      workers.set(mapping.number, { facts, pusher });
    }
    this.#workers = workers;
    return workers;
  }
}
