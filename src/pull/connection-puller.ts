import type { OwnedConnection } from '../connectors/owned-connection.ts';
import type { FaultFacts } from '../model/fault.ts';
import type { ServerClock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Failpoint } from '../runtime/failpoint.ts';
import type { Invalidator } from '../runtime/invalidator.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Notifier } from '../runtime/notifier.ts';
import { NamedTasks } from '../runtime/named-tasks.ts';
import type { Work } from '../sql/connections/look-for-work.ts';
import { rejectSecret } from '../sql/connections/reject-secret.ts';
import type { Database } from '../sql/database.ts';
import { leftRuns } from '../sql/inbound/left-runs.ts';
import { planRead, pullMappings, type PullMapping, type ReadKind } from '../sql/inbound/pull-mappings.ts';
import { startRead, type ReadRequest, type RunKind } from '../sql/inbound/reads.ts';
import { isOver } from '../sql/is-over.ts';
import { stopMapping } from '../sql/outbound/stop-mapping.ts';
import type { ListItem } from '../sql/lists/list-items.ts';
import { finishRequest } from '../sql/requests/finish-request.ts';
import { takeRequests, type Request } from '../sql/requests/take-requests.ts';
import { syncListItems, type ListGroup } from './list-items.ts';
import { Arrivals } from './count-records.ts';
import { PartSize } from './part-size.ts';
import { reRead } from './re-read.ts';
import { ReadRun } from './read-run.ts';
import { firstDue, nextDue } from './schedule.ts';

export interface ConnectionPullerOptions {
  readonly owned: OwnedConnection;
  readonly database: Database;
  readonly clock: ServerClock;
  readonly log: Log;
  readonly failpoint: Failpoint;
  readonly metrics: Metrics;
  readonly invalidator: Invalidator;
  readonly notifier: Notifier;
}

/** What is to be read, before it is known from where. */
type Job = Pick<ReadRequest, 'kind' | 'trigger' | 'run' | 'due'> & { readonly request?: string };

const RUN_KINDS: Readonly<Record<string, RunKind>> = { delta: 'delta', full: 'full', sweep: 'sweep' };

/** Everything that comes from one account to Postgres: polls, sweeps, previews, records read again by id. */
export class ConnectionPuller {
  readonly #options: ConnectionPullerOptions;
  readonly #tasks: NamedTasks;
  readonly #sizes = new Map<number, PartSize>();
  readonly #arrivals = new Map<number, Arrivals>();
  /** Mappings of which everything is being read: one such read at a time, beside reads of changes. */
  readonly #whole = new Set<number>();
  /** Those whose poll would have to read everything, too, and waits until that has ended. */
  readonly #crowded = new Set<number>();

  constructor(options: ConnectionPullerOptions) {
    this.#options = options;
    const { owned } = options;
    this.#tasks = new NamedTasks({ ...options, stopping: owned.stopping, connection: owned.name, isOver });
  }

  /** Resolves when the connection is given up and everything under way has ended; rejects when the work cannot go on. */
  run(): Promise<void> {
    return this.#tasks.untilStopped();
  }

  handle(work: readonly Pick<Work, 'kind' | 'mapping'>[]): void {
    const kinds = new Set(work.map(({ kind }) => kind));
    if (kinds.has('plan')) this.#tasks.start('plan', () => this.#plan());
    if (kinds.has('read')) this.#tasks.start('read requests', () => this.#takeRequests());
    if (kinds.has('resume')) this.#tasks.start('resume', () => this.#resume());
    for (const { kind, mapping } of work) {
      if (mapping === null) continue;
      if (kind === 'poll' || kind === 'sweep') this.#scheduled(mapping, kind);
      if (kind === 'reread') this.#tasks.startIfFree(`reread ${String(mapping)}`, () => this.#reRead(mapping));
    }
  }

  /** Stores when each mapping is read next, where nothing is stored or the schedule is another one. */
  async #plan(): Promise<void> {
    const { owned, database, clock, log } = this.#options;
    const now = new Date(clock.time());
    const isRead = owned.connector.readPage !== undefined;
    for (const { number, name, state, schedules } of await this.#mappings()) {
      if (state !== 'active') continue;
      for (const kind of ['poll', 'sweep'] as const) {
        const times = schedules[kind];
        if (times === undefined || times.planned) continue;
        try {
          const due = !isRead ? NEVER : times.due_at === null ? firstDue(times, now) : nextDue(times, now);
          await planRead(database, number, kind, times.definition, due);
        } catch (error) {
          if (!(error instanceof Error) || (error as { code?: string }).code !== undefined) throw error;
          const which = kind === 'poll' ? 'schedule' : 'sweep_schedule';
          await stopMapping(
            database,
            number,
            'MAPPING_INVALID',
            `The ${which} of mapping "${name}" cannot be used: ${messageOf(error)} Give another one to tideway.map(…), then tideway.resume('${name}').`,
          );
          log.warn(
            { event: 'pull.schedule.refused', mapping: name, why: messageOf(error) },
            'A schedule cannot be used',
          );
        }
      }
    }
  }

  #scheduled(mapping: number, kind: ReadKind): void {
    if (kind === 'sweep' ? this.#whole.has(mapping) : this.#crowded.has(mapping)) return;
    this.#tasks.startIfFree(`${kind} ${String(mapping)}`, async () => {
      const found = await this.#mapping(mapping);
      const times = found?.schedules[kind];
      if (found === undefined || times === undefined) return;
      const trigger = times.trigger ?? 'scheduled';
      const due = { kind, next: nextDue(times, new Date(this.#options.clock.time())) };
      await this.#read(found, { kind: kind === 'poll' ? 'delta' : 'sweep', trigger, run: null, due });
    });
  }

  async #takeRequests(): Promise<void> {
    const { database, owned } = this.#options;
    const requests = await takeRequests(database, owned.number, owned.lease.epoch, 'reads');
    const lists = requests.filter(({ kind }) => kind === 'list_items');
    for (const run of new Set(lists.map(({ run_id }) => run_id))) {
      const parts = lists.filter(({ run_id }) => run_id === run);
      this.#tasks.startIfFree(`list ${run ?? ''}`, () => this.#listParts(parts));
    }
    for (const request of requests) {
      const { id, mapping } = request;
      if (mapping === null || request.kind === 'list_items') continue;
      const kind = kindOf(request);
      // What has to wait for another read of the mapping stays a request and is found again.
      if (kind !== 'delta' && this.#whole.has(mapping)) continue;
      this.#tasks.startIfFree(`request ${id}`, async () => {
        const found = await this.#mapping(mapping);
        if (found === undefined) return finishRequest(database, id);
        await this.#read(found, { kind, trigger: 'sql', run: request.run_id, request: id });
      });
    }
  }

  /** Reads of everything that an earlier owner, or a pause, left in the middle. */
  async #resume(): Promise<void> {
    const { database, owned } = this.#options;
    for (const { mapping, run, kind } of await leftRuns(database, owned.number)) {
      if (this.#whole.has(mapping)) continue;
      this.#tasks.startIfFree(`resume ${String(mapping)}`, async () => {
        const found = await this.#mapping(mapping);
        if (found !== undefined) await this.#read(found, { kind, trigger: 'scheduled', run });
      });
    }
  }

  async #read(mapping: PullMapping, job: Job): Promise<void> {
    const { database, owned } = this.#options;
    const { number } = mapping;
    const changes = owned.connector.describe(owned.settings).capabilities.changes !== 'none' && mapping.changes;
    let holds = false;
    const claimWhole = (): boolean => {
      if (holds) return true;
      if (this.#whole.has(number)) return false;
      this.#whole.add(number);
      holds = true;
      return true;
    };
    try {
      const whole = job.kind !== 'delta' || !changes;
      if (whole && !claimWhole()) {
        this.#crowded.add(number);
        return;
      }
      const start = (room: boolean) =>
        startRead(database, owned.lease.epoch, { ...job, mapping: number, whole: room, changes });
      let started = await start(whole);
      if (started === 'needs_room' && claimWhole()) started = await start(true);
      if (started === 'needs_room') {
        this.#crowded.add(number);
        return;
      }
      if (started !== undefined) {
        const run = new ReadRun({
          ...this.#options,
          mapping,
          started,
          claimWhole,
          size: this.#sizeOf(number),
          arrivals: this.#arrivalsOf(number),
          onRefused: (facts) => this.#refused(mapping, facts),
        });
        if (!(await run.run())) return;
      }
      if (job.request !== undefined) await finishRequest(database, job.request);
    } finally {
      if (holds) {
        this.#whole.delete(number);
        this.#crowded.delete(number);
      }
    }
  }

  /** What is more important has arrived, or nothing of it has for a minute, before the rest begins. */
  async #listParts(parts: readonly Request[]): Promise<void> {
    const priorities = [...new Set(parts.map(priorityOf))].sort((a, b) => b - a);
    for (const priority of priorities) {
      const alike = parts.filter((part) => priorityOf(part) === priority);
      const group: ListGroup = { parts: alike.length, movedAt: this.#options.clock.now() };
      await Promise.all(alike.map((part) => this.#listItems(part, group)));
    }
  }

  async #listItems(request: Request, group: ListGroup): Promise<void> {
    const found = request.mapping === null ? undefined : await this.#mapping(request.mapping);
    if (found === undefined) return finishRequest(this.#options.database, request.id);
    await syncListItems({ ...this.#options, mapping: found, size: this.#sizeOf(found.number), group }, request);
  }

  async #reRead(mapping: number): Promise<void> {
    const found = await this.#mapping(mapping);
    if (found?.state !== 'active') return;
    await reRead({
      ...this.#options,
      mapping: found,
      size: this.#sizeOf(mapping),
      arrivals: this.#arrivalsOf(mapping),
      onRefused: (facts) => this.#refused(found, facts),
    });
  }

  async #refused(mapping: PullMapping, { class: errorClass, code, message }: FaultFacts): Promise<void> {
    const { database, owned, log } = this.#options;
    if (errorClass !== 'AUTH_ERROR') return;
    if (code === 'PERMISSION_DENIED') {
      // The secret is good; it only does not reach this table.
      await stopMapping(
        database,
        mapping.number,
        code,
        `The app lets nobody with this secret read "${mapping.remote_table}": ${message} Then: select tideway.resume('${mapping.name}');`,
      );
    } else if (await rejectSecret(database, owned.number, owned.lease.epoch, message)) {
      log.error({ event: 'pull.secret.refused', connection: owned.name }, `The app refuses the secret: ${message}`);
    }
  }

  #sizeOf(mapping: number): PartSize {
    const size = this.#sizes.get(mapping) ?? new PartSize();
    this.#sizes.set(mapping, size);
    return size;
  }

  #arrivalsOf(mapping: number): Arrivals {
    const arrivals = this.#arrivals.get(mapping) ?? new Arrivals(this.#options.clock.time);
    this.#arrivals.set(mapping, arrivals);
    return arrivals;
  }

  #mappings(): Promise<PullMapping[]> {
    return pullMappings(this.#options.database, this.#options.owned.number);
  }

  async #mapping(number: number): Promise<PullMapping | undefined> {
    return (await this.#mappings()).find((one) => one.number === number);
  }
}

/** For an app that cannot be read. */
const NEVER = new Date('9999-12-31T00:00:00Z');

function kindOf({ kind, args }: Request): RunKind {
  if (kind === 'preview' || kind === 'sweep') return kind;
  return RUN_KINDS[String(args['mode'])] ?? 'delta';
}

/** The items of one part have the same. */
function priorityOf({ args }: Request): number {
  return (args['items'] as readonly ListItem[] | undefined)?.[0]?.priority ?? 0;
}
