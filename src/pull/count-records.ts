import type { OwnedConnection } from '../connectors/owned-connection.ts';
import type { RemoteRecord } from '../model/record.ts';
import type { MappingLabels, Metrics } from '../runtime/metrics.ts';
import type { PageResult } from '../sql/inbound/apply-page.ts';

const RESULTS = ['created', 'updated', 'deleted', 'failed', 'held', 'deferred', 'unchanged'] as const;

export function labelsOf(owned: OwnedConnection, mapping: { readonly label: string }): MappingLabels {
  return { mapping: mapping.label, connection: owned.label, system: owned.system };
}

export function countRecords(metrics: Metrics, labels: MappingLabels, result: PageResult): void {
  for (const name of RESULTS) {
    const records = result[name] ?? 0;
    if (records > 0) metrics.pulledRecords.inc({ ...labels, result: name }, records);
  }
  for (const [errorClass, errors] of Object.entries(result.classes ?? {})) {
    metrics.errors.inc({ ...labels, direction: 'pull', class: errorClass }, errors);
  }
}

/** How late changes of one mapping arrive, each counted once: reads of changes overlap, and a first read is not late. */
export class Arrivals {
  readonly #time: () => number;
  #newest: number;

  constructor(time: () => number) {
    this.#time = time;
    this.#newest = time();
  }

  /** Called when the records are committed. */
  note(metrics: Metrics, labels: MappingLabels, records: readonly RemoteRecord[]): void {
    const now = this.#time();
    const times = records.flatMap(({ modifiedAt }) => (modifiedAt === undefined ? [] : [Date.parse(modifiedAt)]));
    const fresh = times.filter((time) => time > this.#newest);
    for (const time of fresh) metrics.pullLag.observe(labels, Math.max(0, now - time) / 1000);
    this.#newest = fresh.reduce((newest, time) => Math.max(newest, time), this.#newest);
  }
}
