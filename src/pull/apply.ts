import type { OwnedConnection } from '../connectors/owned-connection.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Failpoint } from '../runtime/failpoint.ts';
import type { Invalidator } from '../runtime/invalidator.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { applyDeletions } from '../sql/inbound/apply-deletions.ts';
import { applyPage, type PagePart } from '../sql/inbound/apply-page.ts';
import type { Database } from '../sql/database.ts';
import type { PullMapping } from '../sql/inbound/pull-mappings.ts';
import type { PartSize } from './part-size.ts';
import { countRecords, labelsOf } from './count-records.ts';
import { ReadStopped } from './read-stopped.ts';

interface Where {
  readonly owned: OwnedConnection;
  readonly database: Database;
  readonly clock: Clock;
  readonly failpoint: Failpoint;
  readonly metrics: Metrics;
  readonly mapping: Pick<PullMapping, 'number' | 'name' | 'invalidate' | 'label'>;
  readonly invalidator: Invalidator;
}

/** Key moves that are not visible yet come first; they are there after a moment. */
const AGAIN_AFTER = 50;

/** Applies a page in parts; its place commits with the last one. */
export async function applyInParts(
  { owned, database, clock, failpoint, metrics, mapping, invalidator }: Where,
  { run, asked, lines, cursor = null, complete = false }: PagePart,
  size: PartSize,
): Promise<void> {
  let at = 0;
  do {
    const part = lines.slice(at, at + size.records);
    const isLast = at + part.length >= lines.length;
    const result = await applyPage(database, mapping.number, owned.lease.epoch, {
      run,
      asked,
      lines: part,
      ...(isLast ? { cursor, complete } : {}),
    });
    if (result.stopped !== undefined) throw new ReadStopped(result.stopped.message);
    if (result.again !== undefined) {
      if (owned.stopping.aborted) throw new ReadStopped('The daemon was told to stop.');
      await clock.wait(AGAIN_AFTER, owned.stopping).catch(() => undefined);
      continue;
    }
    countRecords(metrics, labelsOf(owned, mapping), result);
    const { created = 0, updated = 0, deleted = 0 } = result;
    if (created + updated + deleted > 0) invalidator.changed(mapping);
    at += part.length;
    size.learn(part.length, result);
    if (isLast) return;
    failpoint('pull.part');
  } while (at < lines.length);
}

/** Deletes the rows of records that the app says are gone, as far as the deletion guard lets it. */
export async function deleteMissing(
  { owned, database, clock, mapping, invalidator }: Where,
  run: string | null,
  asked: string,
  ids: readonly string[],
): Promise<void> {
  for (;;) {
    const result = await applyDeletions(database, mapping.number, run, owned.lease.epoch, asked, ids);
    if (result.stopped !== undefined) throw new ReadStopped(result.stopped.message);
    if (result.done !== undefined && result.done > 0) invalidator.changed(mapping);
    if (result.again === undefined) return;
    if (owned.stopping.aborted) throw new ReadStopped('The daemon was told to stop.');
    await clock.wait(AGAIN_AFTER, owned.stopping).catch(() => undefined);
  }
}
