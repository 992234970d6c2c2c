import type { FaultClass } from '../model/fault.ts';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

type Mapping = 'mapping' | 'connection' | 'system';
type Connection = 'connection' | 'system';

/** The labels of everything that is counted for one mapping. */
export type MappingLabels = Readonly<Record<Mapping, string>>;

export interface Metrics {
  readonly registry: Registry;
  readonly syncs: Counter<Mapping | 'kind' | 'result'>;
  readonly syncDuration: Histogram<Mapping | 'kind'>;
  readonly errors: Counter<Mapping | 'direction' | 'class'>;
  readonly runParts: Counter<Mapping | 'part'>;
  readonly pushedRows: Counter<Mapping | 'result'>;
  readonly pushLag: Histogram<Mapping>;
  readonly batchFill: Histogram<Connection>;
  readonly pulledRecords: Counter<Mapping | 'result'>;
  readonly pullLag: Histogram<Mapping>;
  readonly appRequests: Counter<Connection | 'lane' | 'outcome'>;
  readonly appRequestDuration: Histogram<Connection | 'lane'>;
  readonly rateLimitWait: Histogram<Connection | 'lane'>;
  readonly changes: Counter;
  readonly flushes: Counter;
  /** Deliveries by what became of them: stored, duplicate, or the code of the refusal. */
  readonly webhooks: Counter<'outcome'>;
  readonly requests: Histogram<'method' | 'route' | 'status'>;
  /** Shows zeros for what may fail: of a series that begins with its first error, no increase is ever seen. */
  readonly begin: (labels: MappingLabels, direction: 'push' | 'pull', kind: string) => void;
  /** Replaces every gauge that is read from Postgres; without rows they are gone, as Postgres is. */
  readonly show: (rows: readonly Shown[] | undefined) => void;
  /** Gauges that somebody in this process can tell at any moment. */
  readonly ask: (source: Partial<Sources>) => void;
}

export interface Shown {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Sources {
  readonly follower: () => { readonly state: string; readonly roundTrip: number | undefined };
  readonly readCache: () => Readonly<Record<'hits' | 'misses' | 'evictions' | 'entries' | 'bytes', number>>;
  readonly budgets: () => readonly Budget[];
}

interface Budget {
  readonly connection: string;
  readonly system: string;
  readonly requests: number;
  readonly points: number | undefined;
}

const mapping: readonly Mapping[] = ['mapping', 'connection', 'system'];
const account: readonly Connection[] = ['connection', 'system'];

/** Read from `tideway.metrics` at each scrape; the view and this list name the same. */
const OF_POSTGRES: readonly (readonly [name: string, help: string, labels: readonly string[]])[] = [
  ['tideway_wal_lag_bytes', 'Write-ahead log that the follower has not stored yet.', ['slot']],
  ['tideway_wal_lag_seconds', 'Time since the follower last stored a position; a heartbeat comes every 2 s.', ['slot']],
  ['tideway_wal_retained_bytes', 'Write-ahead log that the slot keeps on the disk.', ['slot']],
  ['tideway_wal_safe_bytes', 'Write-ahead log that can still be written before the slot is lost.', ['slot']],
  ['tideway_wal_left_seconds', 'Time until the slot is lost at the present rate of writing.', ['slot']],
  ['tideway_slot_active', 'Whether somebody reads the slot.', ['slot']],
  ['tideway_outbox_rows', 'Rows that may differ from what the app has, by state.', [...mapping, 'state']],
  ['tideway_outbox_oldest_mark_age_seconds', 'How long the oldest row waits to be pushed.', mapping],
  ['tideway_reread_records', 'Records that will be read again by id.', mapping],
  ['tideway_mapping_linked_rows', 'Rows linked on both sides.', mapping],
  ['tideway_mapping_open_errors', 'Open errors.', mapping],
  ['tideway_mapping_open_conflicts', 'Conflicts that wait for a choice.', mapping],
  ['tideway_mapping_held_deletions', 'Deletions held for approval.', mapping],
  ['tideway_mapping_interval_seconds', 'Time between two polls.', mapping],
  ['tideway_mapping_failed_sweeps', 'Sweeps that failed since the last that did not.', mapping],
  [
    'tideway_mapping_last_success_timestamp_seconds',
    'When a run last completed: any, or one of a mode.',
    [...mapping, 'mode'],
  ],
  ['tideway_connection_owned', 'Whether a daemon owns the connection.', account],
  ['tideway_entity_health', '1 for the state that a mapping, connection or slot is in.', ['entity', 'name', 'state']],
  ['tideway_default_partition_rows', 'Rows that no monthly partition took.', ['table']],
  ['tideway_oldest_request_age_seconds', 'How long the oldest request of somebody in SQL waits.', []],
];

const ERROR_CLASSES: readonly FaultClass[] = [
  'VALIDATION_ERROR',
  'TRANSFORM_ERROR',
  'API_ERROR',
  'RATE_LIMIT',
  'NETWORK_ERROR',
  'AUTH_ERROR',
  'CONFLICT',
  'INTERNAL',
  'DATABASE_ERROR',
];

const SHORT = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 30];
const LONG = [0.1, 0.5, 1, 2, 5, 15, 60, 300, 1800];

/** What one daemon counts about itself; every daemon has its own registry. */
export function createMetrics(facts: { readonly version: string }): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: number[],
  ): Histogram<Label> => new Histogram({ name, help, labelNames: [...labelNames], buckets, registers });
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    collect?: (it: Gauge<Label>) => void,
  ): Gauge<Label> =>
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers,
      ...(collect === undefined
        ? {}
        : {
            collect(this: Gauge<Label>) {
              collect(this);
            },
          }),
    });

  let sources: Partial<Sources> = {};
  const told = <Name extends keyof Sources>(name: Name): ReturnType<Sources[Name]> | undefined =>
    sources[name]?.() as ReturnType<Sources[Name]> | undefined;

  gauge('tideway_build_info', 'The release that runs.', ['version', 'node']).set(
    { version: facts.version, node: process.versions.node },
    1,
  );
  const databaseUp = gauge('tideway_database_up', 'Whether Postgres answered the scrape.', []);
  const shown = new Map(
    OF_POSTGRES.map(([name, help, labels]) => [name, { labels, series: gauge(name, help, labels) }]),
  );

  gauge(
    'tideway_wal_heartbeat_round_trip_seconds',
    'From writing a heartbeat into the log until its position was stored.',
    [],
    (it) => {
      const trip = told('follower')?.roundTrip;
      it.reset();
      if (trip === undefined) it.remove();
      else it.set(trip / 1000);
    },
  );
  gauge('tideway_follower_state', '1 for what the follower of this daemon does.', ['state'], (it) => {
    const now = told('follower')?.state;
    for (const state of ['following', 'standby', 'stopped']) it.set({ state }, state === now ? 1 : 0);
  });
  const caches = (name: 'hits' | 'misses' | 'evictions', help: string): void => {
    let before = 0;
    new Counter({
      name: `tideway_read_cache_${name}_total`,
      help,
      registers,
      collect() {
        const now = told('readCache')?.[name] ?? before;
        this.inc(Math.max(0, now - before));
        before = now;
      },
    });
  };
  caches('hits', 'Reads answered from memory.');
  caches('misses', 'Reads answered by Postgres.');
  caches('evictions', 'Answers dropped because memory was full.');
  gauge('tideway_read_cache_entries', 'Answers in memory.', [], (it) => it.set(told('readCache')?.entries ?? 0));
  gauge('tideway_read_cache_bytes', 'Memory that they take.', [], (it) => it.set(told('readCache')?.bytes ?? 0));
  gauge('tideway_rate_limit_requests_left', 'Requests that may leave at once.', account, (it) => {
    it.reset();
    for (const { connection, system, requests } of told('budgets') ?? []) it.set({ connection, system }, requests);
  });
  gauge('tideway_rate_limit_points_left', 'Points left, where the app counts in points.', account, (it) => {
    it.reset();
    for (const { connection, system, points } of told('budgets') ?? []) {
      if (points !== undefined) it.set({ connection, system }, points);
    }
  });

  const syncs = counter('tideway_syncs_total', 'Runs and push batches by how they ended.', [
    ...mapping,
    'kind',
    'result',
  ]);
  const errors = counter('tideway_errors_total', 'Errors of rows, records and runs by class.', [
    ...mapping,
    'direction',
    'class',
  ]);
  return {
    registry,
    syncs,
    syncDuration: histogram('tideway_sync_duration_seconds', 'How long they took.', [...mapping, 'kind'], LONG),
    errors,
    runParts: counter('tideway_run_part_seconds_total', 'What the time of runs was spent on.', [...mapping, 'part']),
    pushedRows: counter('tideway_push_rows_total', 'Rows of push batches by what became of them.', [
      ...mapping,
      'result',
    ]),
    pushLag: histogram('tideway_push_lag_seconds', 'From the commit here until the app accepted.', mapping, LONG),
    batchFill: histogram(
      'tideway_push_batch_fill_ratio',
      'Rows of a push batch in parts of what the app takes at once.',
      account,
      [0.01, 0.1, 0.25, 0.5, 0.75, 1],
    ),
    pulledRecords: counter('tideway_pull_records_total', 'Records read by what became of them.', [
      ...mapping,
      'result',
    ]),
    pullLag: histogram('tideway_pull_lag_seconds', 'From the change in the app until it was committed.', mapping, LONG),
    appRequests: counter('tideway_app_requests_total', 'Requests to apps by their answer.', [
      ...account,
      'lane',
      'outcome',
    ]),
    appRequestDuration: histogram(
      'tideway_app_request_duration_seconds',
      'How long apps took to answer.',
      [...account, 'lane'],
      SHORT,
    ),
    rateLimitWait: histogram(
      'tideway_rate_limit_wait_seconds',
      'How long requests waited for their turn.',
      [...account, 'lane'],
      SHORT,
    ),
    changes: counter('tideway_follow_changes_total', 'Changes of rows read from the write-ahead log.', []),
    flushes: counter('tideway_follow_flushes_total', 'Transactions in which they were marked.', []),
    webhooks: counter('tideway_webhooks_total', 'Webhook deliveries by what became of them.', ['outcome']),
    requests: histogram(
      'tideway_http_request_duration_seconds',
      'How long requests to the daemon took.',
      ['method', 'route', 'status'],
      [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    ),
    begin: (labels, direction, kind) => {
      for (const result of ['completed', 'completed_with_errors', 'failed']) syncs.inc({ ...labels, kind, result }, 0);
      for (const one of ERROR_CLASSES) errors.inc({ ...labels, direction, class: one }, 0);
    },
    show: (rows) => {
      databaseUp.set(rows === undefined ? 0 : 1);
      for (const { series } of shown.values()) series.reset();
      for (const { name, labels, value } of rows ?? []) {
        const known = shown.get(name);
        known?.series.set(Object.fromEntries(known.labels.map((label) => [label, labels[label] ?? ''])), value);
      }
    },
    ask: (source) => {
      sources = { ...sources, ...source };
    },
  };
}
