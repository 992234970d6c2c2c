import { setMaxListeners } from 'node:events';
import type { ServerClock } from '../runtime/clock.ts';
import type { EgressRules } from '../runtime/egress.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Failpoint } from '../runtime/failpoint.ts';
import type { Invalidator } from '../runtime/invalidator.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics, Sources } from '../runtime/metrics.ts';
import type { Notifier } from '../runtime/notifier.ts';
import type { SealKey } from '../runtime/secrets.ts';
import type { OwnedConnection } from '../connectors/owned-connection.ts';
import { ConnectionPuller } from '../pull/connection-puller.ts';
import { ConnectionPusher } from '../push/connection-pusher.ts';
import { daemonConnections, type ConnectionRow } from '../sql/connections/daemon-connections.ts';
import { lookForWork } from '../sql/connections/look-for-work.ts';
import { noteServer } from '../sql/connections/note-server.ts';
import { noteTest } from '../sql/connections/note-test.ts';
import type { Database } from '../sql/database.ts';
import { ConnectionSubscriber } from '../subscribe/connection-subscriber.ts';
import { spreadListRequests } from '../sql/lists/list-items.ts';
import { Lease } from './lease.ts';
import { openAccess, ownConnection } from './own-connection.ts';
import { SharedBudgets } from './shared-budgets.ts';

export interface ConnectionsOptions {
  /** For leases and for looking what waits: short questions only. */
  readonly database: Database;
  readonly pushDatabase: Database;
  /** Pages hold their sessions long; pushes never wait for them. */
  readonly pullDatabase: Database;
  readonly owner: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly keys: readonly SealKey[];
  readonly egress: EgressRules;
  readonly clock: ServerClock;
  readonly log: Log;
  readonly failpoint: Failpoint;
  readonly notifier: Notifier;
  readonly metrics: Metrics;
  readonly invalidator: Invalidator;
}

interface Held {
  readonly changed: string;
  readonly owned: OwnedConnection;
  readonly pusher: ConnectionPusher;
  readonly puller: ConnectionPuller;
  readonly subscriber: ConnectionSubscriber;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

const LOOK_FOR_CONNECTIONS_EVERY = 1_000;
const LOOK_FOR_WORK_EVERY = 250;
const TRY_AGAIN_AFTER = 5_000;
/** What is under way at a stop may end by itself for so long. */
const GRACE = 5_000;

/** Takes the connections that are free, works for them, gives them back at the end. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #budgets: SharedBudgets;
  readonly #held = new Map<number, Held>();
  readonly #refused = new Map<number, { readonly until: number; readonly why: string }>();
  #looking = false;
  #lookAgain = false;
  #wakeOwner: () => void = () => undefined;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#budgets = new SharedBudgets(options.clock);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const poll = this.#poll(signal);
    try {
      while (!signal.aborted) {
        await this.#look(signal);
        const woken = new Promise<void>((resolve) => {
          this.#wakeOwner = resolve;
        });
        await Promise.race([clock.wait(LOOK_FOR_CONNECTIONS_EVERY, signal).catch(() => undefined), woken]);
      }
    } finally {
      for (const { stop } of this.#held.values()) stop.abort();
      await Promise.all([...[...this.#held.values()].map(({ ended }) => ended), poll]);
    }
  }

  /** What each account still allows. */
  budgets(): ReturnType<Sources['budgets']> {
    return [...this.#held.values()].map(({ owned: { label, system, budgetLeft } }) => {
      const { requests, points } = budgetLeft();
      return { connection: label, system, requests, points };
    });
  }

  /** Marks were made; whose these mappings are is known here, unless they are new or another daemon's. */
  push(mappings: readonly number[]): void {
    const held = [...this.#held.values()].map(({ pusher }) => pusher);
    const unknown = mappings.filter((mapping) => !held.some((pusher) => pusher.wake(mapping)));
    if (unknown.length > 0) this.wake();
  }

  /** Somebody asked for something in SQL. */
  wake(): void {
    void this.#lookForWork();
  }

  /** Connections may have been defined or changed. */
  wakeForConnections(): void {
    this.#wakeOwner();
    this.wake();
  }

  async #poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#lookForWork();
      await this.#options.clock.wait(LOOK_FOR_WORK_EVERY, signal).catch(() => undefined);
    }
  }

  async #lookForWork(): Promise<void> {
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = true;
    try {
      do {
        this.#lookAgain = false;
        await spreadListRequests(this.#options.database);
        const work = await lookForWork(this.#options.database, [...this.#held.keys()]);
        for (const [number, { pusher, puller, subscriber }] of this.#held) {
          const own = work.filter(({ connection }) => connection === number);
          if (own.length === 0) continue;
          pusher.handle(own);
          puller.handle(own);
          subscriber.handle(own);
        }
      } while (this.#lookAgain);
    } catch (error) {
      this.#options.log.warn(
        { event: 'daemon.work.unknown', why: messageOf(error) },
        'The database could not be asked for work',
      );
    } finally {
      this.#looking = false;
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { database, clock, log } = this.#options;
    let rows: ConnectionRow[];
    try {
      // Before anything is taken: a copy of a database must not write to the apps of the original.
      if (await noteServer(database)) {
        log.warn({ event: 'daemon.server.changed' }, 'The database was restored or cloned; all connections are paused');
      }
      rows = await daemonConnections(database);
    } catch (error) {
      log.warn({ event: 'daemon.connection.unknown', why: messageOf(error) }, 'The connections could not be read');
      return;
    }
    for (const [number, held] of this.#held) {
      const row = rows.find((one) => one.number === number);
      if (row?.changed !== held.changed) held.stop.abort();
    }
    for (const row of rows) {
      if (signal.aborted) return;
      if (this.#held.has(row.number) || !row.free) continue;
      if ((this.#refused.get(row.number)?.until ?? -Infinity) > clock.now()) continue;
      try {
        await this.#take(row, signal);
        this.#refused.delete(row.number);
      } catch (error) {
        await this.#refuse(row, messageOf(error));
      }
    }
  }

  async #refuse(row: ConnectionRow, why: string): Promise<void> {
    const { clock, database, log } = this.#options;
    if (this.#refused.get(row.number)?.why !== why) {
      log.error({ event: 'daemon.connection.refused', connection: row.name, why }, 'The connection cannot be used');
      await noteTest(database, row.number, { problem: why }).catch(() => undefined);
    }
    this.#refused.set(row.number, { until: clock.now() + TRY_AGAIN_AFTER, why });
  }

  async #take(row: ConnectionRow, signal: AbortSignal): Promise<void> {
    const { database, pushDatabase, pullDatabase, owner, clock, log } = this.#options;
    const access = await openAccess(row, this.#options);
    const taken = { database: pushDatabase, renewals: database, connection: row.number, owner, clock };
    const lease = await Lease.take(taken);
    if (lease === undefined) return;
    const stop = new AbortController();
    const stopping = AbortSignal.any([stop.signal, signal]);
    const hard = new AbortController();
    // Every request that is under way or waits for its turn hears them.
    setMaxListeners(0, stopping, hard.signal);
    stopping.addEventListener('abort', () => {
      setTimeout(() => hard.abort(), GRACE).unref();
    });
    const { owned, close } = ownConnection({
      ...this.#options,
      budgets: this.#budgets,
      row,
      access,
      lease,
      stopping,
      hard: hard.signal,
    });
    const pusher = new ConnectionPusher({ ...this.#options, database: pushDatabase, owned });
    const puller = new ConnectionPuller({ ...this.#options, database: pullDatabase, owned });
    const subscriber = new ConnectionSubscriber({ ...this.#options, database: pushDatabase, owned });
    log.info({ event: 'daemon.connection.taken', connection: row.name, epoch: lease.epoch }, 'Took the connection');
    const kept = lease.keep(stopping).then(() => {
      if (stopping.aborted) return;
      log.warn({ event: 'daemon.lease.lost', connection: row.name }, 'Lost the lease of the connection');
      stop.abort();
      hard.abort();
    });
    const ended = together([pusher.run(), puller.run(), subscriber.run()], stop)
      .catch((error: unknown) => {
        log.error(
          { event: 'daemon.connection.failed', connection: row.name, why: messageOf(error) },
          'Work for the connection failed and starts again',
        );
        this.#refused.set(row.number, { until: clock.now() + 500, why: messageOf(error) });
      })
      .then(async () => {
        stop.abort();
        await kept;
        await lease.release();
        hard.abort();
        await close();
      })
      .finally(() => {
        this.#held.delete(row.number);
        this.#wakeOwner();
      });
    this.#held.set(row.number, { changed: row.changed, owned, pusher, puller, subscriber, stop, ended });
    this.wake();
  }
}

/** Resolves when all have ended; when one fails, the others are stopped first. */
async function together(work: readonly Promise<void>[], stop: AbortController): Promise<void> {
  const ended = await Promise.allSettled(
    work.map((one) =>
      one.finally(() => {
        stop.abort();
      }),
    ),
  );
  const failed = ended.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
