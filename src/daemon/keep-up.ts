import { askDueListItems } from '../pull/due-list-items.ts';
import type { ServerClock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Database } from '../sql/database.ts';
import { settleListItems } from '../sql/lists/list-items.ts';
import { maintain } from '../sql/maintain.ts';
import { takeFreeRequests } from '../sql/requests/take-free-requests.ts';
import { interruptRuns } from '../sql/requests/runs.ts';

const LOOK_EVERY = 1_000;
const SETTLE_EVERY = 30_000;
const MAINTAIN_EVERY = 3_600_000;

/** What somebody has to do regularly for the whole database: runs of dead owners, list items that are due or late, and once an hour the housekeeping. */
export async function keepUp(
  { database, clock, log }: { readonly database: Database; readonly clock: ServerClock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  let [settleAt, maintainAt] = [-Infinity, -Infinity];
  while (!signal.aborted) {
    await takeFreeRequests(database);
    const interrupted = await interruptRuns(database);
    if (interrupted > 0)
      log.warn({ event: 'daemon.run.interrupted', runs: interrupted }, 'Found runs whose owner is gone');
    await askDueListItems(database, log, new Date(clock.time()));
    if (clock.now() >= settleAt) {
      settleAt = clock.now() + SETTLE_EVERY;
      await settleListItems(database);
    }
    if (clock.now() >= maintainAt) {
      maintainAt = clock.now() + MAINTAIN_EVERY;
      log.debug({ event: 'daemon.housekeeping.done', done: await maintain(database) }, 'Did the housekeeping');
    }
    await clock.wait(LOOK_EVERY, signal).catch(() => undefined);
  }
}
