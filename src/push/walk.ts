import type { OwnedConnection } from '../connectors/owned-connection.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Database } from '../sql/database.ts';
import { compareLinks, compareRange, logIsVisible } from '../sql/outbound/compare.ts';
import { ASKED_FOR, ASKED_IN_FULL, markKeys, waitingMarks } from '../sql/outbound/mark-keys.ts';
import { finishRequest } from '../sql/requests/finish-request.ts';
import { advanceRun, finishRun, startRun } from '../sql/requests/runs.ts';
import { saveWalk } from '../sql/requests/save-walk.ts';
import type { Request } from '../sql/requests/take-requests.ts';

export interface WalkOptions {
  readonly owned: OwnedConnection;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when marks were made. */
  readonly onMarks: () => void;
}

const ROWS_PER_STEP = 5_000;
/** Live changes wait behind this many marks at most. */
const MARKS_AT_MOST = 5_000;

/**
 * Walks a table in key order and marks what differs from the app (`compare`) or everything (`backfill`), while few marks
 * wait. How far it came is in the request, so the next owner goes on from there.
 */
export async function walk(request: Request, { owned, database, clock, log, onMarks }: WalkOptions): Promise<void> {
  const { number: mapping, epoch } = { number: request.mapping, epoch: owned.lease.epoch };
  if (mapping === null) return finishRequest(database, request.id);
  const { args } = request;
  const every = request.kind === 'backfill';
  const run = request.run_id;
  let over = false;
  const goesOn = (): boolean => !over && !owned.stopping.aborted;
  if (run !== null) await startRun(database, mapping, 'backfill', run, epoch);

  const afterXid = typeof args['after_xid'] === 'string' ? args['after_xid'] : undefined;
  while (afterXid !== undefined && goesOn() && !(await logIsVisible(database, afterXid))) {
    await clock.wait(50, owned.stopping).catch(() => undefined);
  }

  const feed = async (keys: readonly string[] | null): Promise<number> => {
    if (keys === null || keys.length === 0) return 0;
    while (goesOn() && (await waitingMarks(database, mapping, MARKS_AT_MOST)) >= MARKS_AT_MOST) {
      await clock.wait(100, owned.stopping).catch(() => undefined);
    }
    const marked = await markKeys(database, mapping, keys, every ? ASKED_FOR | ASKED_IN_FULL : ASKED_FOR);
    if (typeof args['sweep'] === 'string') await advanceRun(database, args['sweep'], { pushed: marked });
    onMarks();
    return marked;
  };

  let found = 0;
  const walkRows = async (): Promise<void> => {
    let after = typeof args['after_key'] === 'string' ? args['after_key'] : null;
    for (let done = args['rows_done'] === true; !done && goesOn();) {
      const range = await compareRange(database, mapping, epoch, after, ROWS_PER_STEP, every);
      if (range === undefined) {
        over = true;
        if (run !== null) await finishRun(database, run, 'failed', 'The mapping was stopped; see its paused_reason.');
        return finishRequest(database, request.id);
      }
      const marked = await feed(range.keys);
      found += marked;
      after = range.last_key ?? after;
      done = (range.checked ?? 0) < ROWS_PER_STEP;
      if (run !== null && !(await advanceRun(database, run, { processed: range.checked ?? 0, pushed: marked }))) {
        over = true;
        return finishRequest(database, request.id);
      }
      if (!(await saveWalk(database, request.id, { after_key: after, rows_done: done }))) over = true;
    }
  };
  const walkLinks = async (): Promise<void> => {
    let after = typeof args['after_link'] === 'string' ? args['after_link'] : null;
    for (let done = every || args['links'] === false; !done && goesOn();) {
      const links = await compareLinks(database, mapping, epoch, after, ROWS_PER_STEP);
      const marked = await feed(links.keys);
      found += marked;
      after = links.last_key ?? after;
      done = links.checked < ROWS_PER_STEP;
      if (!(await saveWalk(database, request.id, { after_link: after }))) over = true;
    }
  };
  // Both at a time: each keeps a backend busy. When one fails, the other ends with the statement that it is at.
  const outcomes = await Promise.allSettled(
    [walkRows(), walkLinks()].map((half) =>
      half.catch((error: unknown) => {
        over = true;
        throw error;
      }),
    ),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  if (!goesOn()) return;
  if (run !== null) await finishRun(database, run, null);
  await finishRequest(database, request.id);
  log.info(
    { event: 'push.walk.finished', mapping, marked: found, doubt: args['doubt'] },
    every ? 'Fed all rows' : 'Compared all rows',
  );
}
