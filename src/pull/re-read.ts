import { Fault, type FaultFacts } from '../model/fault.ts';
import type { OwnedConnection } from '../connectors/owned-connection.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Failpoint } from '../runtime/failpoint.ts';
import type { Invalidator } from '../runtime/invalidator.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Database } from '../sql/database.ts';
import { recordLine } from '../sql/inbound/apply-page.ts';
import { askMoment } from '../sql/inbound/ask-moment.ts';
import { deferUnseen, dueRereads } from '../sql/inbound/due-rereads.ts';
import type { PullMapping } from '../sql/inbound/pull-mappings.ts';
import { applyInParts, deleteMissing } from './apply.ts';
import { askApp } from './ask-app.ts';
import { labelsOf, type Arrivals } from './count-records.ts';
import type { PartSize } from './part-size.ts';
import { ReadStopped } from './read-stopped.ts';

export interface ReReadOptions {
  readonly owned: OwnedConnection;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly failpoint: Failpoint;
  readonly metrics: Metrics;
  readonly invalidator: Invalidator;
  readonly mapping: PullMapping;
  readonly size: PartSize;
  readonly arrivals: Arrivals;
  readonly onRefused: (facts: FaultFacts) => Promise<void>;
}

/** Reads by id what a page could not settle, what a write has not shown yet, and what a webhook named. */
export async function reRead(options: ReReadOptions): Promise<void> {
  const { owned, database, mapping, size, arrivals, metrics, log, failpoint, onRefused } = options;
  const { readByIds } = owned.connector;
  const { idsPerRead } = owned.connector.describe(owned.settings).limits;
  if (readByIds === undefined) return;
  for (;;) {
    const ids = await dueRereads(database, mapping.number, idsPerRead);
    if (ids.length === 0 || owned.stopping.aborted) return;
    try {
      const { asked, answer } = await askApp(options, 'short', async () => {
        const asked = await askMoment(database);
        owned.lease.assertHeld();
        const { remote_table: table, remote_columns: columns } = mapping;
        const answer = await readByIds(owned.session('pull'), { table, columns, ids, askedFor: asked.asked });
        return { asked, answer };
      });
      failpoint('pull.reread');
      if (answer.records.length > 0) {
        await applyInParts(options, { run: null, asked, lines: answer.records.map(recordLine) }, size);
        arrivals.note(metrics, labelsOf(owned, mapping), answer.records);
      }
      if (answer.missing.length > 0) await deleteMissing(options, null, asked.asked, answer.missing);
      // What could not be settled is due later already; what was not even answered must not be asked in a circle.
      await deferUnseen(database, mapping.number, ids, 'unseen');
    } catch (error) {
      if (error instanceof ReadStopped) return;
      if (!(error instanceof Fault)) throw error;
      if (owned.stopping.aborted) return;
      log.warn({ event: 'pull.record.unread', mapping: mapping.name, code: error.facts.code }, error.message);
      await deferUnseen(database, mapping.number, ids, 'unread');
      await onRefused(error.facts);
      return;
    }
  }
}
