import type { OwnedConnection } from '../connectors/owned-connection.ts';
import { Fault } from '../model/fault.ts';
import type { RemoteRecord } from '../model/record.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Failpoint } from '../runtime/failpoint.ts';
import type { Invalidator } from '../runtime/invalidator.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Database } from '../sql/database.ts';
import { recordLine } from '../sql/inbound/apply-page.ts';
import { askMoment } from '../sql/inbound/ask-moment.ts';
import type { PullMapping } from '../sql/inbound/pull-mappings.ts';
import {
  finishListPart,
  listItemStates,
  pushListItems,
  type ListItem,
  type ListItemState,
} from '../sql/lists/list-items.ts';
import type { Request } from '../sql/requests/take-requests.ts';
import { applyInParts } from './apply.ts';
import { askApp } from './ask-app.ts';
import type { PartSize } from './part-size.ts';
import { ReadStopped } from './read-stopped.ts';

export interface ListItemsOptions {
  readonly owned: OwnedConnection;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly failpoint: Failpoint;
  readonly metrics: Metrics;
  readonly invalidator: Invalidator;
  readonly mapping: PullMapping;
  readonly size: PartSize;
  readonly group: ListGroup;
}

/** Parts of the list that are carried over side by side. */
export interface ListGroup {
  readonly parts: number;
  /** When an item of any of them last arrived, by the clock. */
  movedAt: number;
}

const LOOK_EVERY = 200;
const LOOK_AT_LEAST_EVERY = 5_000;
/** When nothing has arrived for so long, the items stay pending: they go on by themselves and are told later. */
const PATIENCE = 60_000;

/**
 * Syncs a part of the list through the hub: records of the source are read by id and applied, their rows marked for the
 * target, and the item says how it ended. One item that fails stops none of the others.
 */
export async function syncListItems(options: ListItemsOptions, request: Request): Promise<void> {
  const { owned, database, log, mapping } = options;
  const items = request.args['items'] as readonly ListItem[];
  try {
    const { readAt, changedAt, changed, done } = await readItems(options, items);
    const settled = changed.length === 0 ? [] : await carryOver(options, changed);
    await finishListPart(
      database,
      { request: request.id, run: request.run_id, readAt },
      [...done, ...settled].map((state) => ({ ...state, source_changed_at: changedAt.get(state.id) ?? null })),
    );
  } catch (error) {
    if (error instanceof ReadStopped) return;
    if (!(error instanceof Fault)) throw error;
    if (owned.stopping.aborted) return;
    const { code, message } = error.facts;
    log.warn(
      { event: 'pull.list.failed', mapping: mapping.name, items: items.length, code },
      `List items could not be read: ${message}`,
    );
    await finishListPart(
      database,
      { request: request.id, run: request.run_id, readAt: null },
      items.map((item) => failure(item, `${code}: ${message}`)),
    );
  }
}

async function readItems(
  options: ListItemsOptions,
  items: readonly ListItem[],
): Promise<{
  readAt: string | null;
  changedAt: ReadonlyMap<string, string | null>;
  changed: readonly ListItem[];
  done: readonly ListItemState[];
}> {
  const { owned, database, mapping, size } = options;
  const { connector, settings, lease } = owned;
  const { readByIds } = connector;
  if (readByIds === undefined) {
    throw new Fault('SETTINGS_INVALID', `${connector.describe().title} cannot read records by id.`);
  }
  const { limits, timing } = connector.describe(settings);
  const changed: ListItem[] = [];
  const done: ListItemState[] = [];
  const changedAt = new Map<string, string | null>();
  let readAt: string | null = null;
  for (let at = 0; at < items.length; at += limits.idsPerRead) {
    const part = items.slice(at, at + limits.idsPerRead);
    const { asked, answer } = await askApp(options, 'short', async () => {
      const asked = await askMoment(database);
      lease.assertHeld();
      const { remote_table: table, remote_columns: columns } = mapping;
      const ids = [...new Set(part.map((item) => item.source_id))];
      const answer = await readByIds(owned.session('pull'), { table, columns, ids, askedFor: asked.asked });
      return { asked, answer };
    });
    readAt ??= asked.asked_at;
    const records = new Map(answer.records.map((record) => [record.id, record]));
    const due = part.filter((item) => {
      const record = records.get(item.source_id);
      return record !== undefined && isDue(item, record, timing.changesOverlap);
    });
    const lines = due.flatMap((item) => records.get(item.source_id) ?? []).map(recordLine);
    if (lines.length > 0) await applyInParts(options, { run: null, asked, lines }, size);
    changed.push(...due);
    for (const item of part) {
      changedAt.set(item.id, records.get(item.source_id)?.modifiedAt ?? null);
      if (!records.has(item.source_id)) {
        done.push(failure(item, `The app has no record "${item.source_id}" in "${mapping.remote_table}".`));
      } else if (!due.includes(item)) {
        done.push({ ...failure(item, ''), status: 'success', skipped: true });
      }
    }
  }
  return { readAt, changedAt, changed, done };
}

/**
 * Whether the source changed since the item was synced. Its times are compared with its own; a change of the moment in
 * which it was read may have the same one, and there the two clocks must do.
 */
function isDue(item: ListItem, { modifiedAt }: RemoteRecord, overlap: number): boolean {
  const { mode, synced_at: syncedAt, source_changed_at: changedAt } = item;
  if (mode === 'full' || syncedAt === null || changedAt === null || modifiedAt === undefined) return true;
  const modified = Date.parse(modifiedAt);
  return modified !== Date.parse(changedAt) || modified > Date.parse(syncedAt) - Math.max(overlap, 1_000);
}

async function carryOver(options: ListItemsOptions, items: readonly ListItem[]): Promise<readonly ListItemState[]> {
  const { owned, database, clock, group } = options;
  await pushListItems(database, items);
  group.movedAt = clock.now();
  const every = Math.min(LOOK_EVERY * group.parts, LOOK_AT_LEAST_EVERY);
  for (let open = items.length; ;) {
    const states = await listItemStates(database, items);
    const pending = states.filter(({ status }) => status === 'pending').length;
    if (pending < open) group.movedAt = clock.now();
    open = pending;
    if (pending === 0 || clock.now() > group.movedAt + PATIENCE) return states;
    if (owned.stopping.aborted) throw new ReadStopped('The daemon was told to stop.');
    await clock.wait(every, owned.stopping).catch(() => undefined);
  }
}

function failure({ id, target_id: targetId }: ListItem, error: string): ListItemState {
  return { id, status: 'failed', error, target_id: targetId, created: false };
}
