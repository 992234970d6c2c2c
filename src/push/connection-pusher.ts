import type { OwnedConnection } from '../connectors/owned-connection.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Failpoint } from '../runtime/failpoint.ts';
import type { Log } from '../runtime/log.ts';
import { backoffDelay } from '../runtime/retry.ts';
import type { Database } from '../sql/database.ts';
import { activatePending } from '../sql/connections/activate-pending.ts';
import type { Work } from '../sql/connections/look-for-work.ts';
import { rejectSecret } from '../sql/connections/reject-secret.ts';
import { pushMappings, type PushMapping } from '../sql/outbound/push-mappings.ts';
import { releaseDue } from '../sql/outbound/release-due.ts';
import { returnBatches } from '../sql/outbound/return-batches.ts';
import { MappingPusher } from './mapping-pusher.ts';
import { reRead } from './re-read.ts';
import { readCatalogue, Requests } from './requests.ts';

export interface ConnectionPusherOptions {
  readonly owned: OwnedConnection;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly failpoint: Failpoint;
}

interface Worker {
  readonly facts: string;
  readonly pusher: MappingPusher;
  readonly mapping: PushMapping;
}

const CATALOGUE_RETRY = 5_000;
const TROUBLE = { base: 500, cap: 60_000 };

/** Everything that goes from Postgres to one account: pushes, retries, re-reads, requests. */
export class ConnectionPusher {
  readonly #options: ConnectionPusherOptions;
  readonly #requests: Requests;
  readonly #busy = new Map<string, { again: boolean }>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #troubled = new Map<string, { readonly times: number; readonly until: number }>();
  #workers = new Map<number, Worker>();
  #catalogueAt = -Infinity;
  #failure: Error | undefined;
  #fail: (error: Error) => void = () => undefined;

  constructor(options: ConnectionPusherOptions) {
    this.#options = options;
    this.#requests = new Requests({ ...options, onMarks: () => this.wakeAll() });
  }

  /** Resolves when the connection is given up and everything under way has ended; rejects when the work cannot go on. */
  async run(): Promise<void> {
    const { owned, database, log } = this.#options;
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    failed.catch(() => undefined);
    const returned = await returnBatches(database, owned.number, owned.lease.epoch);
    if (returned > 0)
      log.info({ connection: owned.name, rows: returned }, 'Took back what another owner had in flight');
    await this.#refresh();
    const stopped = new Promise<void>((resolve) => {
      if (owned.stopping.aborted) resolve();
      owned.stopping.addEventListener('abort', () => resolve(), { once: true });
    });
    try {
      await Promise.race([stopped, failed]);
    } finally {
      await Promise.allSettled([...this.#tasks, this.#requests.settled()]);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Does what was found to be waiting; what is under way is looked at again afterwards. */
  handle(work: readonly Pick<Work, 'kind' | 'mapping'>[]): void {
    const kinds = new Set(work.map(({ kind }) => kind));
    if (kinds.has('request')) this.#task('requests', () => this.#requests.take());
    if (kinds.has('activate')) this.#task('activate', () => this.#activate());
    for (const { kind, mapping } of work) {
      if (mapping === null) continue;
      if (kind === 'push') this.#push(mapping);
      if (kind === 'due') this.#task(`due ${String(mapping)}`, () => this.#due(mapping));
      if (kind === 'reread') this.#task(`reread ${String(mapping)}`, () => this.#reRead(mapping));
    }
  }

  wakeAll(): void {
    for (const number of this.#workers.keys()) this.#push(number);
  }

  #push(mapping: number): void {
    const { database, owned } = this.#options;
    this.#task(`push ${String(mapping)}`, async () => {
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

  async #reRead(mapping: number): Promise<void> {
    const { owned, database, log } = this.#options;
    const worker = this.#workers.get(mapping) ?? (await this.#refresh()).get(mapping);
    // What is polled is read again by the room that polls.
    if (worker?.mapping.direction !== 'push' || worker.pusher.closedFor > 0) return;
    await reRead(owned, database, worker.mapping, log);
  }

  async #activate(): Promise<void> {
    const { owned, database, clock, log } = this.#options;
    if (clock.now() >= this.#catalogueAt + CATALOGUE_RETRY) {
      this.#catalogueAt = clock.now();
      await readCatalogue(owned, database);
    }
    const activated = await activatePending(database, owned.number, owned.lease.epoch);
    for (const { mapping, state } of activated)
      log.info({ connection: owned.name, mapping, state }, 'Mapping was looked at');
    if (activated.length === 0) return;
    await this.#refresh();
    this.#task('requests', () => this.#requests.take());
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
                  log.error({ connection: owned.name }, `The app refuses the secret: ${reason}`);
                }
              },
            });
      workers.set(mapping.number, { facts, pusher, mapping });
    }
    this.#workers = workers;
    return workers;
  }

  /** One of each kind at a time; a call meanwhile is remembered. */
  #task(name: string, work: () => Promise<void>): void {
    const { owned, clock, log } = this.#options;
    if (owned.stopping.aborted || this.#failure !== undefined) return;
    if ((this.#troubled.get(name)?.until ?? -Infinity) > clock.now()) return;
    const running = this.#busy.get(name);
    if (running !== undefined) {
      running.again = true;
      return;
    }
    const state = { again: false };
    this.#busy.set(name, state);
    const task = (async () => {
      do {
        state.again = false;
        await work();
      } while (state.again && !owned.stopping.aborted);
      this.#troubled.delete(name);
    })()
      .catch((error: unknown) => {
        if (!isOver(error)) {
          // What one mapping stumbles over stops nobody else.
          const times = (this.#troubled.get(name)?.times ?? 0) + 1;
          this.#troubled.set(name, { times, until: clock.now() + backoffDelay(times, TROUBLE, () => 1) });
          log.error(
            { connection: owned.name, task: name, why: messageOf(error) },
            'A task failed; it is tried again later',
          );
          return;
        }
        this.#failure ??= error instanceof Error ? error : new Error(messageOf(error));
        this.#fail(this.#failure);
      })
      .finally(() => {
        this.#busy.delete(name);
        this.#tasks.delete(task);
      });
    this.#tasks.add(task);
  }
}

/** Whether the connection itself cannot go on: its lease is over, or the database is out of reach. */
function isOver(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? '';
  return code === 'TWLSE' || !/^[0-9A-Z]{5}$/.test(code) || /^(08|53|57)/.test(code);
}
