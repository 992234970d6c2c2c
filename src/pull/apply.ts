import type { OwnedConnection } from '../connectors/owned-connection.ts';
import { Fault } from '../model/fault.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Failpoint } from '../runtime/failpoint.ts';
import type { Invalidator } from '../runtime/invalidator.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { applyDeletions } from '../sql/inbound/apply-deletions.ts';
import { applyPage, type PagePart } from '../sql/inbound/apply-page.ts';
import { isServerTrouble } from '../sql/is-over.ts';
import type { Database } from '../sql/database.ts';
import type { PullMapping } from '../sql/inbound/pull-mappings.ts';
import type { PartSize } from './part-size.ts';
import { countRecords, labelsOf } from './count-records.ts';
import { patiently, type Patience } from './patiently.ts';
import { ReadStopped } from './read-stopped.ts';

interface Where {
  readonly owned: OwnedConnection;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly failpoint: Failpoint;
  readonly metrics: Metrics;
  readonly mapping: Pick<PullMapping, 'number' | 'name' | 'invalidate' | 'label'>;
  readonly invalidator: Invalidator;
}

/** Key moves that are not visible yet come first; they are there after a moment. */
const AGAIN_AFTER = 50;

/** Applies a page in parts; its place commits with the last one. */
export async function applyInParts(
  where: Where,
  { run, asked, lines, cursor = null, complete = false }: PagePart,
  size: PartSize,
  patience: Patience = 'short',
): Promise<void> {
  const { owned, database, clock, failpoint, metrics, mapping, invalidator } = where;
  let at = 0;
  do {
    const part = lines.slice(at, at + size.records);
    const isLast = at + part.length >= lines.length;
    const result = await store(where, patience, () =>
      applyPage(database, mapping.number, owned.lease.epoch, {
        run,
        asked,
        lines: part,
        ...(isLast ? { cursor, complete } : {}),
      }),
    );
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
  where: Where,
  run: string | null,
  asked: string,
  ids: readonly string[],
  patience: Patience = 'short',
): Promise<void> {
  const { owned, database, clock, mapping, invalidator } = where;
  for (;;) {
    const result = await store(where, patience, () =>
      applyDeletions(database, mapping.number, run, owned.lease.epoch, asked, ids),
    );
    if (result.stopped !== undefined) throw new ReadStopped(result.stopped.message);
    if (result.done !== undefined && result.done > 0) invalidator.changed(mapping);
    if (result.again === undefined) return;
    if (owned.stopping.aborted) throw new ReadStopped('The daemon was told to stop.');
    await clock.wait(AGAIN_AFTER, owned.stopping).catch(() => undefined);
  }
}

/** What the server cannot store for now was rolled back whole: it is tried again, and costs no record anything. */
function store<Result>(where: Where, patience: Patience, work: () => Promise<Result>): Promise<Result> {
  const { log, mapping } = where;
  let told = false;
  return patiently(where, patience, async () => {
    try {
      return await work();
    } catch (error) {
      if (!isServerTrouble(error)) throw error;
      const hint = error.hint === undefined ? '' : ` (${error.hint.replace(/\.$/, '')})`;
      const why = `The database cannot store what was read: ${error.message}${hint}.`;
      if (!told) log.warn({ event: 'pull.page.unstored', mapping: mapping.name, why }, 'A page waits for the database');
      told = true;
      throw new Fault('DATABASE_TROUBLE', why, { cause: error });
    }
  });
}
