import type { ClientConfig } from 'pg';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Failpoint } from '../runtime/failpoint.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { connectionTo, type Database } from '../sql/database.ts';
import { checkFollowed } from '../sql/follow/check-followed.ts';
import { distrustPosition } from '../sql/follow/distrust-position.ts';
import { emitHeartbeat } from '../sql/follow/emit-heartbeat.ts';
import { followedTables, type FollowedTable } from '../sql/follow/followed-tables.ts';
import { markChanges } from '../sql/follow/mark-changes.ts';
import { slotState } from '../sql/follow/slot-state.ts';
import { startFollowing } from '../sql/follow/start-following.ts';
import type { ChangeStream } from './change-stream.ts';
import { Coalescer } from './coalescer.ts';
import { formatLsn, parseLsn, type Lsn } from './lsn.ts';
import { ReaderError } from './reader-error.ts';
import { openReader } from './reader.ts';
import { makeSlot, skipToNow } from './slot.ts';

export interface FollowerOptions {
  readonly database: Database;
  /** A direct connection whose login may read the log. */
  readonly replicationUrl: string;
  readonly slot: string;
  readonly publication: string;
  readonly owner: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly failpoint: Failpoint;
  /** Called when marks were committed, with their mappings. */
  readonly onMarks: (mappings: readonly number[]) => void;
  readonly metrics: Metrics;
}

export interface FollowerStatus {
  readonly state: 'standby' | 'following' | 'stopped';
  /** Milliseconds from writing a heartbeat into the log until it was stored as a position; undefined before the first. */
  readonly roundTrip: number | undefined;
}

const FULL = 5_000;
/** Changes a millisecond that are marked as they come, and how many beyond them are a load. */
const STEADY = 0.2;
const BUSY = 20;
/** Milliseconds that changes gather under load; much by itself needs no long wait. */
const GATHER = 50;
const GATHER_MANY = 5;
const MANY = 1_000;
const HEARTBEAT_EVERY = 2_000;
const GUARD_EVERY = 2_000;
/** Failures of one kind in a row before the log counts as undecodable. */
const UNDECODABLE_AFTER = 3;
const STANDBY_LOOK = 1_000;
const CONNECT_WITHIN = 10_000;
/** A stream that shows no heartbeat for so long is dead, whatever the socket says. */
const SILENCE = 30_000;
const UNPUBLISHED = 'the publication was missing for a while';

/** Ends the present stream so that it is opened anew; nothing is lost, because nothing of it was confirmed. */
class Reopen extends Error {}

/** Follows the log into the outbox. One process at a time holds the slot; the others stand by. */
export class Follower {
  readonly #options: FollowerOptions;
  #state: FollowerStatus['state'] = 'stopped';
  #roundTrip: number | undefined;
  #tables: readonly FollowedTable[] = [];
  #told = new Set<string>();
  #doubt: string | undefined;
  readonly #undecodable = new Map<string, number>();

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  get status(): FollowerStatus {
    return { state: this.#state, roundTrip: this.#roundTrip };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#options;
    try {
      while (!signal.aborted) {
        try {
          await this.#follow(signal);
        } catch (error) {
          if (signal.aborted) break;
          if (error instanceof Reopen) continue;
          if (!(error instanceof ReaderError)) throw error;
          await this.#react(error);
          await clock.wait(STANDBY_LOOK, signal).catch(() => undefined);
        } finally {
          this.#state = 'stopped';
        }
      }
    } finally {
      log.debug({ event: 'follow.loop.ended' }, 'Stopped following');
    }
  }

  async #react(error: ReaderError): Promise<void> {
    const { log, slot } = this.#options;
    switch (error.kind) {
      case 'slot_in_use':
        if (this.#state !== 'standby')
          this.#say('standby', () =>
            log.info({ event: 'follow.slot.taken', slot }, 'Another daemon follows; standing by'),
          );
        this.#state = 'standby';
        return;
      case 'slot_missing':
      case 'slot_lost':
        // Looked at and mended at the next start.
        return;
      case 'publication_missing':
        await this.#skipUnpublished(error);
        return;
      case 'connection_lost':
        log.warn({ event: 'follow.log.interrupted', slot, why: error.message }, 'Reading the log was interrupted');
        return;
      case 'pooler':
      case 'wal_level':
      case 'position_ahead':
      case 'server':
        log.error({ event: 'follow.log.refused', slot, why: error.message }, 'The log cannot be read');
        if (error.sqlstate === 'XX000') await this.#skipUndecodable(error);
    }
  }

  /** What the server cannot decode it will never decode: it is left out, and every row compared instead. */
  async #skipUndecodable(error: ReaderError): Promise<void> {
    const { log, slot } = this.#options;
    const times = (this.#undecodable.get(error.message) ?? 0) + 1;
    this.#undecodable.set(error.message, times);
    if (times < UNDECODABLE_AFTER) return;
    await skipToNow(this.#connection(), slot);
    this.#undecodable.clear();
    this.#doubt = 'the server could not decode a part of the log';
    log.warn({ event: 'follow.log.skipped', slot, why: error.message }, 'A part of the log is left out');
  }

  /** Before 18, a log from before the publication was made again cannot be decoded at all. */
  async #skipUnpublished(error: ReaderError): Promise<void> {
    const { database, log, slot, publication } = this.#options;
    const { troubles } = await checkFollowed(database, slot, publication);
    this.#tell(troubles);
    if (troubles.some(({ code }) => code === 'PUBLICATION_MISSING')) {
      this.#say(error.message, () =>
        log.error({ event: 'follow.log.refused', publication, why: error.message }, 'The log cannot be read'),
      );
      return;
    }
    await skipToNow(this.#connection(), slot);
    this.#doubt = UNPUBLISHED;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { database, slot, log, owner, publication } = this.#options;
    const before = await slotState(database, slot);
    if (before.usable === false) {
      throw new ReaderError(
        'server',
        `Slot "${slot}" is not for pgoutput or belongs to another database. Drop it, or set TIDEWAY_SLOT.`,
      );
    }
    if (before.active) throw new ReaderError('slot_in_use', `Slot "${slot}" is read by another process.`);
    if (!before.exists || before.lost) {
      await makeSlot(this.#connection(), slot, publication, signal);
      this.#doubt ??= before.known
        ? before.exists
          ? 'the slot had lost log that was still needed'
          : 'the slot was gone'
        : 'the slot is new';
      log.info({ event: 'follow.slot.made', slot, doubt: this.#doubt }, 'Made the replication slot');
    }

    this.#tables = await followedTables(database);
    const stream = await this.#open(signal, before.stored);
    try {
      const following = await startFollowing(database, slot, stream.server, owner);
      const now = await slotState(database, slot);
      const doubt = this.#findDoubt(following, now.confirmed);
      let unpublished = false;
      let start = following.lsn ?? '0/0';
      if (doubt !== undefined) {
        // What the slot has confirmed is where it goes on; nothing before that will ever come again.
        start = now.confirmed ?? formatLsn(stream.server.position);
        const asked = await distrustPosition(database, slot, following.epoch, start, doubt);
        this.#doubt = undefined;
        // Before the first mapping there is no publication, and each look begins anew.
        log[asked === 0 ? 'debug' : 'warn'](
          { event: 'follow.position.doubted', slot, doubt, mappings: asked },
          'The position cannot be trusted; all rows are compared',
        );
        unpublished = asked === 0 && doubt === UNPUBLISHED;
      }
      const { troubles } = await checkFollowed(database, slot, publication);
      this.#tell(troubles);
      this.#tables = await followedTables(database);
      log[unpublished ? 'debug' : 'info'](
        { event: 'follow.log.followed', slot, position: following.lsn },
        'Following the log',
      );
      this.#state = 'following';
      this.#told.delete('standby');
      await this.#consume(stream, following.epoch, start, signal);
    } finally {
      await stream.stop();
    }
  }

  async #open(signal: AbortSignal, stored: string | null): Promise<ChangeStream> {
    const { slot, publication } = this.#options;
    const options = {
      connection: this.#connection(),
      slot,
      publication,
      signal,
      keyColumns: (_schema: string, _table: string, oid: number) =>
        this.#tables.find(({ relation }) => relation === oid)?.key_columns,
    };
    const from = stored === null ? 0n : parseLsn(stored);
    try {
      return await openReader(from === 0n ? options : { ...options, from });
    } catch (error) {
      if (!(error instanceof ReaderError) || error.kind !== 'position_ahead') throw error;
      this.#doubt = 'the stored position lies beyond this server';
      return openReader(options);
    }
  }

  #findDoubt(following: { lsn: string | null; other_system: boolean }, confirmed: string | null): string | undefined {
    if (following.other_system) return 'the database was restored or cloned from another server';
    if (this.#doubt !== undefined) return this.#doubt;
    if (following.lsn === null) return 'the slot is new';
    // Positions are stored before they are acknowledged, so only somebody else can have moved it further.
    if (confirmed !== null && parseLsn(confirmed) > parseLsn(following.lsn))
      return 'somebody advanced or re-created the slot';
    return undefined;
  }

  async #consume(stream: ChangeStream, epoch: string, start: string, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const stopping = new AbortController();
    const stop = AbortSignal.any([signal, stopping.signal]);
    let pending = new Coalescer();
    let flushing: Promise<void> | undefined;
    let failure: unknown;
    let position: Lsn = parseLsn(start);
    /** Fills with changes and empties with time. */
    let level = 0;
    let lastFlush = clock.now();
    /** Committed, and not known to be on the disk: the server could lose it, so it must be able to send it again. */
    const stored: { readonly position: Lsn; endsBefore: Lsn | undefined }[] = [];
    let lastSeen = clock.now();

    const flush = async (): Promise<void> => {
      const began = clock.now();
      level = Math.max(0, level - (began - lastFlush) * STEADY);
      lastFlush = began;
      // Under load a short pause makes one call of many; alone, a change never waits.
      if (level > BUSY && pending.marks.size < FULL)
        await clock.wait(pending.marks.size > MANY ? GATHER_MANY : GATHER, stop).catch(() => undefined);
      const batch = pending;
      pending = new Coalescer();
      position = batch.position ?? position;
      const disk = await this.#store(batch, epoch, position);
      level = Math.min(2 * BUSY, level + batch.changes);
      for (const one of stored) one.endsBefore ??= disk.written;
      while (stored[0]?.endsBefore !== undefined && stored[0].endsBefore <= disk.flushed) {
        stream.confirm(stored[0].position);
        stored.shift();
      }
      if (batch.position !== undefined) stored.push({ position: batch.position, endsBefore: undefined });
    };
    const pump = (): void => {
      if (flushing !== undefined || failure !== undefined || pending.isEmpty) return;
      // The server sends a transaction in one go: its rows are marked together, unless they are too many.
      if (pending.isOpen && pending.marks.size < FULL) return;
      flushing = flush()
        .catch((error: unknown) => {
          failure = error;
          void stream.stop();
        })
        .finally(() => {
          flushing = undefined;
          pump();
        });
    };

    const chores = [this.#beat(stop, () => clock.now() - lastSeen), this.#guard(stop)].map((chore) =>
      chore.catch((error: unknown) => {
        if (stop.aborted) return;
        failure ??= error;
        void stream.stop();
      }),
    );
    try {
      for await (const { events } of stream) {
        lastSeen = clock.now();
        for (const event of events) pending.add(event);
        pump();
        while (pending.marks.size >= FULL && flushing !== undefined) {
          // Written out now, so that the server need not wait for it once it has answered.
          void pending.columns;
          await flushing;
        }
        if (failure !== undefined) break;
      }
    } finally {
      stopping.abort();
      await Promise.all([flushing, ...chores]);
    }
    if (failure !== undefined) throw failure instanceof Error ? failure : new Error(messageOf(failure));
  }

  async #store(batch: Coalescer, epoch: string, position: Lsn): Promise<{ written: Lsn; flushed: Lsn }> {
    const { database, slot, failpoint, onMarks, metrics } = this.#options;
    failpoint('follow.read');
    const { mappings, written, flushed } = await markChanges(database, {
      slot,
      epoch,
      lsn: formatLsn(position),
      columns: batch.columns,
      moves: batch.moves,
      keyLists: batch.keyLists,
      doubts: new Map([...batch.doubts].map(([doubt, relations]) => [doubt, [...relations]])),
      committedAt: batch.committedAt === undefined ? null : new Date(batch.committedAt),
    });
    failpoint('follow.marked');
    metrics.changes.inc(batch.changes);
    metrics.flushes.inc();
    if (mappings.length > 0) onMarks(mappings);
    const sent = batch.heartbeats.map((content) => content.split(' ')).filter(([by]) => by === String(process.pid));
    const last = Number(sent.at(-1)?.[1]);
    if (!Number.isNaN(last)) this.#roundTrip = this.#options.clock.now() - last;
    for (const [relation, list] of batch.keyLists) {
      const table = this.#tables.find((one) => one.relation === relation);
      if (table !== undefined && JSON.stringify(table.key_columns) !== JSON.stringify(JSON.parse(list)))
        throw new Reopen();
    }
    return { written: parseLsn(written), flushed: parseLsn(flushed) };
  }

  async #beat(signal: AbortSignal, silence: () => number): Promise<void> {
    const { database, clock } = this.#options;
    for (;;) {
      await emitHeartbeat(database, `${String(process.pid)} ${String(clock.now())}`);
      await clock.wait(HEARTBEAT_EVERY, signal);
      if (silence() > SILENCE) throw new ReaderError('connection_lost', 'The log stream has been silent for 30 s.');
    }
  }

  async #guard(signal: AbortSignal): Promise<void> {
    const { database, slot, publication, clock } = this.#options;
    for (;;) {
      await clock.wait(GUARD_EVERY, signal);
      const { troubles, changed } = await checkFollowed(database, slot, publication);
      this.#tell(troubles);
      const tables = await followedTables(database);
      const keysChanged = this.#tables.some((old) => {
        const fresh = tables.find(({ relation }) => relation === old.relation);
        return fresh !== undefined && fresh.key_columns.join('\n') !== old.key_columns.join('\n');
      });
      this.#tables = tables;
      if (changed && keysChanged) throw new Reopen();
    }
  }

  #tell(troubles: readonly { readonly code: string; readonly message: string; readonly mend: string }[]): void {
    const { log } = this.#options;
    for (const { code, message, mend } of troubles)
      this.#say(message, () => log.error({ event: 'follow.table.refused', code, mend }, message));
    for (const known of this.#told) {
      if (known !== 'standby' && !troubles.some(({ message }) => message === known)) this.#told.delete(known);
    }
  }

  /** The same finding is said once, not every two seconds. */
  #say(about: string, say: () => void): void {
    if (this.#told.has(about)) return;
    this.#told.add(about);
    say();
  }

  #connection(): ClientConfig {
    return {
      ...connectionTo(this.#options.replicationUrl),
      application_name: 'tideway/follow',
      connectionTimeoutMillis: CONNECT_WITHIN,
    };
  }
}
