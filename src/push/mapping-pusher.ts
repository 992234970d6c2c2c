import type { Description } from '../connectors/connector.ts';
import type { OwnedConnection } from '../connectors/owned-connection.ts';
import type { FaultFacts } from '../model/fault.ts';
import type { ServerClock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Failpoint } from '../runtime/failpoint.ts';
import type { Log } from '../runtime/log.ts';
import type { MappingLabels, Metrics } from '../runtime/metrics.ts';
import { backoffDelay } from '../runtime/retry.ts';
import { isOpen } from '../runtime/windows.ts';
import type { Database } from '../sql/database.ts';
import { breakBatch } from '../sql/outbound/break-batch.ts';
import { claimPush } from '../sql/outbound/claim-push.ts';
import { completePush, type PushOutcome } from '../sql/outbound/complete-push.ts';
import { preparePush, type PreparedBatch, type PreparedRow } from '../sql/outbound/prepare-push.ts';
import { proveCreates, type CreateProof } from '../sql/outbound/prove-creates.ts';
import { stopMapping } from '../sql/outbound/stop-mapping.ts';
import type { PushMapping } from '../sql/outbound/push-mappings.ts';
import { canLookUp, lookUp } from './look-up.ts';
import { pushOutcome, writeRow } from './outcomes.ts';
import { writeRows } from './write-rows.ts';

export interface PusherOptions {
  readonly owned: OwnedConnection;
  readonly mapping: PushMapping;
  readonly database: Database;
  readonly clock: ServerClock;
  readonly log: Log;
  readonly failpoint: Failpoint;
  readonly metrics: Metrics;
  /** The app refused the secret. */
  readonly onUnauthorized: (reason: string) => Promise<void>;
}

const ALL_LANES = 65_535;
const MOST_GROUPS = 4;
const MOST_LOOPS = 2;
/** Milliseconds that a create waits for the follower, and between two looks. */
const FOLLOWER_WAIT = 5_000;
const FOLLOWER_LOOK = 10;
const OUTAGE = { base: 250, cap: 15_000 };

/** What a request as a whole ran into, when it says something about the app rather than about rows. */
type Weather = { readonly kind: 'fine' } | { readonly kind: 'outage' | 'unauthorized'; readonly fault: FaultFacts };

/**
 * Empties the outbox of one mapping. Few marks go as one batch over all lanes, and the next is prepared while the last one
 * is out; many are split by lane, and several are out at once.
 */
export class MappingPusher {
  readonly #options: PusherOptions;
  readonly #description: Description<unknown>;
  readonly #labels: MappingLabels;
  #rows: number;
  #crowded = false;
  #failures = 0;
  #closedUntil = 0;
  /** Ends when the request that is out has been answered; of few marks, one goes after the other. */
  #turn: Promise<void> = Promise.resolve();
  #join: () => void = () => undefined;

  constructor(options: PusherOptions) {
    this.#options = options;
    const { connector, settings, label, system } = options.owned;
    this.#labels = { mapping: options.mapping.label, connection: label, system };
    options.metrics.begin(this.#labels, 'push', 'push');
    this.#description = connector.describe(settings);
    this.#rows = this.#description.limits.rowsPerWrite;
  }

  /** Works until nothing is left that can be pushed now. */
  async drain(): Promise<void> {
    while (this.#isOpen()) {
      const crowded = this.#crowded;
      if (crowded) await allEnded(this.#groups().map((lanes) => this.#drainLanes(lanes)));
      else await this.#drainFew();
      if (!crowded && !this.#crowded) return;
    }
  }

  /** New marks were made while this one works. */
  more(): void {
    this.#join();
  }

  #isOpen(): boolean {
    const { clock, owned, mapping } = this.#options;
    // Outside of its window marks wait; those of one row are one.
    return (
      !owned.stopping.aborted &&
      clock.now() >= this.#closedUntil &&
      isOpen(mapping.windows, mapping.timezone, new Date(clock.time()))
    );
  }

  async #drainFew(): Promise<void> {
    const loops = new Set<Promise<void>>();
    const failures: unknown[] = [];
    this.#join = () => {
      if (loops.size === MOST_LOOPS || failures.length > 0 || this.#crowded) return;
      const loop = this.#drainLanes(ALL_LANES)
        .catch((error: unknown) => {
          failures.push(error);
        })
        .finally(() => loops.delete(loop));
      loops.add(loop);
    };
    this.#join();
    while (loops.size > 0) await Promise.race(loops);
    this.#join = () => undefined;
    if (failures.length > 0) throw failures[0];
  }

  /** While the app is down: milliseconds until it is tried again. */
  get closedFor(): number {
    return Math.max(0, this.#closedUntil - this.#options.clock.now());
  }

  #groups(): number[] {
    const count = Math.min(MOST_GROUPS, this.#description.limits.rates.concurrency + 1);
    const masks = new Array<number>(count).fill(0);
    for (let lane = 0; lane < 16; lane += 1) masks[lane % count] = (masks[lane % count] ?? 0) | (1 << lane);
    return masks;
  }

  async #drainLanes(lanes: number): Promise<void> {
    const { owned, database, mapping } = this.#options;
    const crowded = this.#crowded;
    while (this.#isOpen() && this.#crowded === crowded) {
      const batch = await claimPush(database, mapping.number, owned.lease.epoch, this.#rows, lanes);
      if (batch === null) break;
      await this.#push(batch, crowded);
    }
    // Groups that ran dry make room for one batch over all lanes again.
    if (crowded) this.#crowded = false;
  }

  async #push(batch: string, crowded: boolean): Promise<void> {
    const { owned, database, clock, failpoint } = this.#options;
    const began = clock.now();
    const { limits, timing, capabilities } = this.#description;
    failpoint('push.claimed');
    // A lookup must not come before the app's search index has caught up.
    const requestLife = timing.requestLife + timing.searchVisibleAfter;
    let prepared: PreparedBatch;
    try {
      prepared = await preparePush(database, batch, owned.lease.epoch, {
        requestLife,
        visibleAfter: timing.writeVisibleAfter,
        comparesVersions: capabilities.compareAndSet === 'version',
      });
    } catch (error) {
      await this.#break(batch, error);
      return;
    }
    let { rows } = prepared;
    const preparedAt = clock.now();
    this.#count('unchanged', prepared.claimed - rows.length);
    this.#rows = Math.min(limits.rowsPerWrite, this.#rows * 2);
    if (rows.length === 0) return;
    if (rows.length >= limits.rowsPerWrite) this.#crowded = true;
    rows = await this.#withoutMoved(batch, rows);
    if (rows.length === 0) return;
    failpoint('push.prepared');
    const outcomes = crowded ? await this.#send(rows) : await this.#sendInTurn(rows);
    failpoint('push.answered');
    const trustAnswer = owned.connector.readPage === undefined && owned.connector.readByIds === undefined;
    const { late = false } = await completePush(database, batch, owned.lease.epoch, outcomes, {
      visibleAfter: timing.writeVisibleAfter,
      trustAnswer,
      requestLife,
    });
    failpoint('push.completed');
    if (!late) this.#observe({ ...prepared, rows }, outcomes, { began, preparedAt });
  }

  /** Leaves out creates of rows that may have a record under the key they had a moment ago. */
  async #withoutMoved(batch: string, rows: readonly PreparedRow[]): Promise<readonly PreparedRow[]> {
    const { owned, database, clock } = this.#options;
    const creates = rows.filter(({ op }) => op === 'create').map(({ link_id }) => link_id);
    if (creates.length === 0) return rows;
    const until = clock.now() + FOLLOWER_WAIT;
    let proof: CreateProof = await proveCreates(database, batch, owned.lease.epoch, creates, {
      since: null,
      giveUp: false,
    });
    while ('since' in proof) {
      await clock.wait(FOLLOWER_LOOK, owned.stopping).catch(() => undefined);
      proof = await proveCreates(database, batch, owned.lease.epoch, creates, {
        since: proof.since,
        giveUp: owned.stopping.aborted || clock.now() >= until,
      });
    }
    const { withdrawn } = proof;
    return rows.filter(({ link_id }) => !withdrawn.includes(link_id));
  }

  async #sendInTurn(rows: readonly PreparedRow[]): Promise<PushOutcome[]> {
    const before = this.#turn;
    let end: () => void = () => undefined;
    this.#turn = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    try {
      return await this.#send(rows);
    } finally {
      end();
    }
  }

  async #send(rows: readonly PreparedRow[]): Promise<PushOutcome[]> {
    const { owned, database, mapping, log } = this.#options;
    const { limits, capabilities } = this.#description;
    const comparesVersions = capabilities.compareAndSet === 'version';
    const lookups = rows.filter((row) => row.op === 'lookup' && canLookUp(owned, row));
    const writes = rows.filter((row) => !lookups.includes(row));
    const found = lookups.length === 0 ? [] : await lookUp(owned, database, mapping, lookups, limits.keysPerFind);
    const written =
      writes.length === 0
        ? []
        : await writeRows(
            owned,
            mapping.remote_table,
            writes.map((row) => writeRow(row, comparesVersions)),
            limits,
          );
    const outcomes = [...found, ...written.map(pushOutcome)];
    const failed = outcomes.filter(
      ({ result }) => result === 'refused' || result === 'retry' || result === 'uncertain',
    );
    log.debug(
      { event: 'push.batch.sent', mapping: mapping.name, rows: rows.length, failed: failed.length },
      'Pushed a batch',
    );
    await this.#judge(
      weatherOf(written.map((one) => ('fault' in one ? one.fault : undefined)).concat(found.map(() => undefined))),
    );
    return outcomes;
  }

  #observe(
    { rows, ages }: PreparedBatch,
    outcomes: readonly PushOutcome[],
    { began, preparedAt }: { readonly began: number; readonly preparedAt: number },
  ): void {
    const { metrics, clock } = this.#options;
    const { connection, system } = this.#labels;
    const now = clock.now();
    const keys = new Map(rows.map((row) => [row.link_id, row.local_key]));
    let failed = 0;
    for (const outcome of outcomes) {
      const { result, link_id: link } = outcome;
      this.#count(result, 1);
      if (outcome.class !== undefined) {
        failed += 1;
        metrics.errors.inc({ ...this.#labels, direction: 'push', class: outcome.class });
      }
      const age = ages[keys.get(link) ?? ''];
      if (result === 'written' && age !== undefined) {
        metrics.pushLag.observe(this.#labels, (Math.max(0, age) + now - preparedAt) / 1000);
      }
    }
    const result = failed === 0 ? 'completed' : failed < outcomes.length ? 'completed_with_errors' : 'failed';
    metrics.syncs.inc({ ...this.#labels, kind: 'push', result });
    metrics.syncDuration.observe({ ...this.#labels, kind: 'push' }, (now - began) / 1000);
    metrics.batchFill.observe({ connection, system }, rows.length / this.#description.limits.rowsPerWrite);
  }

  #count(result: string, rows: number): void {
    if (rows > 0) this.#options.metrics.pushedRows.inc({ ...this.#labels, result }, rows);
  }

  async #judge(weather: Weather): Promise<void> {
    const { log, mapping, owned, clock, onUnauthorized } = this.#options;
    if (weather.kind === 'fine') {
      if (this.#failures > 0)
        log.info(
          { event: 'push.app.answered', connection: owned.name, mapping: mapping.name },
          'The app answers again',
        );
      this.#failures = 0;
      return;
    }
    this.#failures += 1;
    const { message, code, retryAfter = 0 } = weather.fault;
    if (weather.kind === 'unauthorized') {
      await onUnauthorized(message);
      this.#closedUntil = clock.now() + 1_000;
      return;
    }
    // One batch at a time tries whether the app is back; the rows beside it lose no attempts.
    this.#closedUntil =
      clock.now() +
      Math.max(
        retryAfter,
        backoffDelay(this.#failures, OUTAGE, () => 1),
      );
    if (this.#failures === 1)
      log.warn({ event: 'push.app.failed', connection: owned.name, mapping: mapping.name, code }, message);
  }

  /** A row that cannot even be read (a transform that raises) is found by claiming fewer and fewer. */
  async #break(batch: string, error: unknown): Promise<void> {
    const { owned, database, log, mapping } = this.#options;
    const code = (error as { code?: string }).code ?? '';
    // Only what the data or the mapping's SQL caused is worth halving; a lost lease or connection is not.
    if (!/^(21|22|23|38|39|42|P0)/.test(code)) throw error;
    const rows = await breakBatch(database, batch, owned.lease.epoch, 'TRANSFORM_FAILED', messageOf(error));
    if (code.startsWith('42')) {
      await stopMapping(
        database,
        mapping.number,
        'TABLE_UNREADABLE',
        `Rows of mapping "${mapping.name}" cannot be read: ${messageOf(error)}.`,
      );
    }
    this.#rows = Math.max(1, Math.floor(Math.min(rows, this.#rows) / 2));
    log.warn(
      { event: 'push.batch.broken', mapping: mapping.name, rows, why: messageOf(error) },
      'A batch could not be prepared',
    );
  }
}

/** All have ended before a failure is told: then nothing of this mapping is under way. */
async function allEnded(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

function weatherOf(faults: readonly (FaultFacts | undefined)[]): Weather {
  const [first] = faults;
  if (first === undefined || !faults.every((fault) => fault !== undefined)) return { kind: 'fine' };
  if (faults.every((fault) => fault?.class === 'AUTH_ERROR')) return { kind: 'unauthorized', fault: first };
  const isOutage = (fault: FaultFacts | undefined): boolean =>
    fault?.class === 'NETWORK_ERROR' ||
    fault?.class === 'RATE_LIMIT' ||
    fault?.code === 'SERVER_ERROR' ||
    fault?.code === 'BAD_RESPONSE';
  return faults.every(isOutage) ? { kind: 'outage', fault: first } : { kind: 'fine' };
}
