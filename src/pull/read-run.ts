import type { Cursor, Page } from '../connectors/connector.ts';
import type { OwnedConnection } from '../connectors/owned-connection.ts';
import { Fault, type FaultFacts } from '../model/fault.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Failpoint } from '../runtime/failpoint.ts';
import type { Invalidator } from '../runtime/invalidator.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Notifier } from '../runtime/notifier.ts';
import type { Database } from '../sql/database.ts';
import { goneLine, recordLine } from '../sql/inbound/apply-page.ts';
import type { Asked } from '../sql/inbound/ask-moment.ts';
import type { PullMapping } from '../sql/inbound/pull-mappings.ts';
import { askPage, finishRead, restartRead, unseenIds, type StartedRead } from '../sql/inbound/reads.ts';
import { isOver } from '../sql/is-over.ts';
import { askToCompare, isWaiting } from '../sql/outbound/compare.ts';
import { advanceRun } from '../sql/requests/runs.ts';
import { applyInParts, deleteMissing } from './apply.ts';
import { askApp } from './ask-app.ts';
import { labelsOf, type Arrivals } from './count-records.ts';
import type { Patience } from './patiently.ts';
import type { PartSize } from './part-size.ts';
import { ReadStopped } from './read-stopped.ts';

export interface ReadRunOptions {
  readonly owned: OwnedConnection;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly failpoint: Failpoint;
  readonly metrics: Metrics;
  readonly invalidator: Invalidator;
  readonly mapping: PullMapping;
  readonly started: StartedRead;
  readonly size: PartSize;
  readonly arrivals: Arrivals;
  readonly notifier: Notifier;
  /** Room for a read of everything, when the app has forgotten where the last read of changes ended. */
  readonly claimWhole: () => boolean;
  /** The app refused the secret, or the table. */
  readonly onRefused: (facts: FaultFacts) => Promise<void>;
}

type Part = 'fetch' | 'convert' | 'apply' | 'push' | 'wait';

interface Fetched {
  readonly page: Page;
  readonly asked: Asked;
}

/** A moment that nobody remembers is older than any write. */
const LONG_AGO = '1970-01-01T00:00:00Z';
const COMPARE_LOOK = 100;
/** The database goes through all that was seen to find them. */
const UNSEEN_AT_ONCE = 50_000;

/** One run that reads: page after page, the next one fetched while the last is applied; then what was absent. */
export class ReadRun {
  readonly #options: ReadRunOptions;
  readonly #moments = new Map<string, Asked>();
  readonly #timings: Record<Part, number> = { fetch: 0, convert: 0, apply: 0, push: 0, wait: 0 };
  readonly #patience: Patience;
  readonly #began: number;
  #whole: boolean;
  #left: number;
  #total: number | undefined;

  constructor(options: ReadRunOptions) {
    this.#options = options;
    this.#whole = options.started.whole_read;
    this.#left = options.started.row_limit ?? Infinity;
    this.#patience = this.#whole ? 'long' : 'short';
    this.#began = options.clock.now();
    options.metrics.begin(labelsOf(options.owned, options.mapping), 'pull', options.started.run_kind);
  }

  /** Never throws what belongs to the app or to the mapping: that is written into the run. False: it goes on later. */
  async run(): Promise<boolean> {
    const { owned, started, mapping, log, failpoint, notifier, onRefused } = this.#options;
    const { run_id: run, run_kind: kind } = started;
    try {
      const complete = started.complete || (await this.#readAll());
      if (complete && this.#whole && ['full', 'sweep', 'preview'].includes(kind)) await this.#confirmAbsent();
      failpoint('pull.confirmed');
      if (kind === 'sweep' && !started.dry_run && mapping.direction !== 'pull') await this.#compareRows();
      const counts = await this.#finish(null);
      failpoint('pull.finished');
      const status = counts?.['status'];
      this.#count(typeof status === 'string' ? status : 'cancelled');
      notifier.recovered(mapping.name);
      if (Number(counts?.['held']) > 0 && kind !== 'preview') {
        const message = `${String(counts?.['held'])} rows or deletions of the run are held; see tideway.held_deletions and open_conflicts.`;
        notifier.failed({ mapping: mapping.name, kind, run, code: 'HELD', message });
      }
      const changed = ['created', 'updated', 'deleted', 'failed', 'held'].some((name) => Number(counts?.[name]) > 0);
      log[kind === 'sweep' || changed ? 'info' : 'debug'](
        { event: 'pull.run.finished', mapping: mapping.name, kind, run, ...counts },
        'Read the app',
      );
      return true;
    } catch (error) {
      if (error instanceof ReadStopped) {
        await this.#end('interrupted', { error: error.message });
        return false;
      }
      if (!(error instanceof Fault)) {
        // Who owns the connection still owns the run: nobody else would ever end it, or take it up.
        if (!isOver(error)) await this.#end('interrupted', { error: messageOf(error) }).catch(() => undefined);
        throw error;
      }
      if (owned.stopping.aborted) {
        await this.#end('interrupted', { error: 'The daemon was told to stop.' });
        return false;
      }
      const { class: errorClass, code, message, suggestion } = error.facts;
      await this.#end('failed', {
        error: `${code}: ${message}`,
        class: errorClass,
        code,
        ...(suggestion === undefined ? {} : { suggestion }),
      });
      log.warn({ event: 'pull.run.failed', mapping: mapping.name, kind, run, code }, `A read failed: ${message}`);
      notifier.failed({ mapping: mapping.name, kind, run, code, message });
      await onRefused(error.facts);
      return true;
    }
  }

  async #end(status: 'failed' | 'interrupted', report: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#finish(status, report);
    const errorClass = report['class'];
    this.#count(status, typeof errorClass === 'string' ? errorClass : undefined);
  }

  async #finish(
    status: 'failed' | 'interrupted' | null,
    report?: Readonly<Record<string, unknown>>,
  ): ReturnType<typeof finishRead> {
    const { database, owned, started } = this.#options;
    await advanceRun(database, started.run_id, { timings: this.#rounded() });
    return finishRead(database, owned.lease.epoch, started.run_id, status, report);
  }

  #count(result: string, errorClass?: string): void {
    const { metrics, owned, mapping, started, clock } = this.#options;
    const labels = labelsOf(owned, mapping);
    const kind = started.run_kind;
    metrics.syncs.inc({ ...labels, kind, result });
    // A run that another owner or a pause cut in two has no duration.
    if (result !== 'interrupted') metrics.syncDuration.observe({ ...labels, kind }, (clock.now() - this.#began) / 1000);
    if (errorClass !== undefined) metrics.errors.inc({ ...labels, direction: 'pull', class: errorClass });
    for (const [part, spent] of Object.entries(this.#timings)) metrics.runParts.inc({ ...labels, part }, spent / 1000);
  }

  /** True when the app said that nothing follows. */
  async #readAll(): Promise<boolean> {
    const { database, owned, mapping, started, claimWhole, log } = this.#options;
    try {
      return await this.#readFrom(started.cursor);
    } catch (error) {
      if (!(error instanceof Fault) || error.facts.code !== 'CURSOR_EXPIRED') throw error;
      if (!this.#whole && !claimWhole()) {
        throw new ReadStopped('The app has forgotten the place of the last read; everything is being read already.');
      }
      log.info(
        { event: 'pull.cursor.expired', mapping: mapping.name },
        'The app has forgotten the place of the read; it begins anew',
      );
      if (!started.dry_run) await restartRead(database, mapping.number, owned.lease.epoch, started.run_id);
      this.#whole = true;
      return await this.#readFrom(null);
    }
  }

  async #readFrom(from: Cursor | null): Promise<boolean> {
    const { failpoint } = this.#options;
    let fetching: Promise<Fetched> | undefined = this.#fetch(from);
    try {
      while (fetching !== undefined) {
        const fetched: Fetched = await fetching;
        const { page, asked } = fetched;
        this.#left -= page.records.length;
        // At most one page ahead, so that memory stays bounded.
        const goesOn: boolean = !page.complete && this.#left > 0;
        fetching = goesOn ? this.#fetch(page.next, page.wait) : undefined;
        fetching?.catch(() => undefined);
        failpoint('pull.fetched');
        await this.#apply(page, asked);
        failpoint('pull.applied');
        if (!goesOn) return page.complete;
      }
      return false;
    } finally {
      await fetching?.catch(() => undefined);
    }
  }

  async #fetch(after: Cursor | null, wait = 0): Promise<Fetched> {
    const { owned, database, mapping, started, clock } = this.#options;
    const { connector, settings, lease, stopping } = owned;
    const { readPage } = connector;
    if (readPage === undefined) {
      throw new Fault('SETTINGS_INVALID', `${connector.describe().title} cannot be read; map it with direction push.`);
    }
    const { recordsPerPage } = connector.describe(settings).limits;
    if (wait > 0) await this.#timed('wait', () => clock.wait(wait, stopping).catch(() => undefined));
    const began = clock.now();
    let asking = 0;
    const fetched = await askApp(this.#options, this.#patience, async () => {
      const asked = await askPage(database, started.run_id);
      if (!asked.goes_on) throw new ReadStopped('The mapping or its connection was paused.');
      this.#moments.set(asked.asked, asked);
      lease.assertHeld();
      const from = clock.now();
      const page = await readPage(owned.session('pull'), {
        table: mapping.remote_table,
        columns: mapping.remote_columns,
        mode: this.#whole ? 'full' : 'changes',
        after,
        limit: Math.max(1, Math.min(recordsPerPage, this.#left)),
        filter: mapping.remote_filter,
        askedFor: asked.asked,
      }).finally(() => {
        asking = clock.now() - from;
      });
      believe(page, after, mapping);
      return { page, asked: this.#momentOf(page.askedFor) };
    });
    this.#timings.fetch += asking;
    this.#timings.wait += clock.now() - began - asking;
    return fetched;
  }

  #momentOf(moment: string): Asked {
    return this.#moments.get(moment) ?? { asked: moment, asked_at: LONG_AGO };
  }

  async #apply(page: Page, asked: Asked): Promise<void> {
    const { database, owned, started, mapping, size, arrivals, metrics } = this.#options;
    const { total } = page;
    if (total !== undefined && total !== this.#total) {
      this.#total = total;
      await advanceRun(database, started.run_id, { total });
    }
    const lines = await this.#timed('convert', () =>
      Promise.resolve([...page.records.map(recordLine), ...page.gone.map(goneLine)]),
    );
    const place = { cursor: page.next, complete: page.complete };
    await this.#timed('apply', () =>
      applyInParts(this.#options, { run: started.run_id, asked, lines, ...place }, size, this.#patience),
    );
    arrivals.note(metrics, labelsOf(owned, mapping), page.records);
    // Only moments that a later page may still name are kept.
    for (const moment of this.#moments.keys()) if (BigInt(moment) < BigInt(page.askedFor)) this.#moments.delete(moment);
  }

  /** Absence is not proof: what no page showed is asked for by its id, and only what the app then misses is gone. */
  async #confirmAbsent(): Promise<void> {
    const { owned, database, mapping, started, size } = this.#options;
    const { readByIds } = owned.connector;
    if (readByIds === undefined) return;
    const missing: string[] = [];
    let earliest: string | undefined;
    for await (const ids of this.#unseen()) {
      const { answer, asked } = await this.#timed('fetch', () =>
        askApp(this.#options, this.#patience, async () => {
          const asked = await askPage(database, started.run_id);
          if (!asked.goes_on) throw new ReadStopped('The mapping or its connection was paused.');
          owned.lease.assertHeld();
          const { remote_table: table, remote_columns: columns } = mapping;
          const answer = await readByIds(owned.session('pull'), { table, columns, ids, askedFor: asked.asked });
          return { answer, asked };
        }),
      );
      earliest ??= asked.asked;
      missing.push(...answer.missing);
      if (answer.records.length > 0) {
        const lines = answer.records.map(recordLine);
        await applyInParts(this.#options, { run: started.run_id, asked, lines }, size, this.#patience);
      }
    }
    if (earliest === undefined || missing.length === 0) return;
    // All at once, so that the deletion guard judges them together.
    if (started.dry_run) {
      const asked = { asked: earliest, asked_at: LONG_AGO };
      const lines = missing.map(goneLine);
      await applyInParts(this.#options, { run: started.run_id, asked, lines }, size, this.#patience);
    } else {
      await deleteMissing(this.#options, started.run_id, earliest, missing, this.#patience);
    }
  }

  /** What no page showed, as many ids at a time as the app takes. */
  async *#unseen(): AsyncGenerator<readonly string[]> {
    const { owned, database, mapping, started } = this.#options;
    const { idsPerRead } = owned.connector.describe(owned.settings).limits;
    let after: string | null = null;
    let ids: readonly string[];
    do {
      ids = await unseenIds(database, mapping.number, started.run_id, after, UNSEEN_AT_ONCE);
      for (let from = 0; from < ids.length; from += idsPerRead) yield ids.slice(from, from + idsPerRead);
      after = ids.at(-1) ?? null;
    } while (ids.length === UNSEEN_AT_ONCE);
  }

  /** The other half of a sweep: every row is compared with its link by the room that writes. */
  async #compareRows(): Promise<void> {
    const { database, mapping, started, owned, clock } = this.#options;
    await this.#timed('push', async () => {
      const request = await askToCompare(database, mapping.number, 'a sweep compares both sides', started.run_id);
      while (await isWaiting(database, request)) {
        if (owned.stopping.aborted) throw new ReadStopped('The daemon was told to stop.');
        const { goes_on: goesOn } = await askPage(database, started.run_id);
        if (!goesOn) throw new ReadStopped('The mapping or its connection was paused.');
        await clock.wait(COMPARE_LOOK, owned.stopping).catch(() => undefined);
      }
    });
  }

  async #timed<Result>(part: Part, work: () => Promise<Result>): Promise<Result> {
    const from = this.#options.clock.now();
    try {
      return await work();
    } finally {
      this.#timings[part] += this.#options.clock.now() - from;
    }
  }

  #rounded(): Readonly<Record<string, number>> {
    return Object.fromEntries(Object.entries(this.#timings).map(([name, spent]) => [name, Math.round(spent)]));
  }
}

/** A page that contradicts itself is no page. */
function believe(page: Page, after: Cursor | null, { remote_table: table }: PullMapping): void {
  if (page.complete) return;
  if (page.next === null) {
    throw new Fault('BAD_RESPONSE', `A page of "${table}" says that more follows, but not where.`);
  }
  const stands = JSON.stringify(page.next) === JSON.stringify(after);
  if (stands && page.records.length === 0 && page.wait === undefined) {
    throw new Fault('BAD_RESPONSE', `A page of "${table}" is empty and leads back to itself.`);
  }
}
