import type { OwnedConnection } from '../connectors/owned-connection.ts';
import { Fault } from '../model/fault.ts';
import type { Log } from '../runtime/log.ts';
import type { Database } from '../sql/database.ts';
import { applyDeletions } from '../sql/inbound/apply-deletions.ts';
import { applyRecords } from '../sql/inbound/apply-records.ts';
import { askMoment } from '../sql/inbound/ask-moment.ts';
import { deferUnseen, dueRereads } from '../sql/inbound/due-rereads.ts';
import type { PushMapping } from '../sql/outbound/push-mappings.ts';

/** Reads records by id whose last write nobody has seen yet, for mappings that are not polled. */
export async function reRead(
  owned: OwnedConnection,
  database: Database,
  mapping: PushMapping,
  log: Log,
): Promise<void> {
  const { readByIds } = owned.connector;
  const { idsPerRead } = owned.connector.describe(owned.settings).limits;
  if (readByIds === undefined) return;
  for (;;) {
    const ids = await dueRereads(database, mapping.number, idsPerRead);
    if (ids.length === 0 || owned.stopping.aborted) return;
    const asked = await askMoment(database);
    try {
      owned.lease.assertHeld();
      const { records, missing } = await readByIds(owned.session('push'), {
        table: mapping.remote_table,
        columns: mapping.remote_columns,
        ids,
        askedFor: asked.asked,
      });
      if (records.length > 0) await applyRecords(database, mapping.number, owned.lease.epoch, asked, records);
      if (missing.length > 0) await applyDeletions(database, mapping.number, owned.lease.epoch, asked.asked, missing);
      // What could not be settled is due later already; what was not even answered must not be asked in a circle.
      await deferUnseen(database, mapping.number, ids, 'unseen');
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.warn({ mapping: mapping.name, code: error.facts.code }, error.message);
      await deferUnseen(database, mapping.number, ids, 'unread');
      return;
    }
  }
}
