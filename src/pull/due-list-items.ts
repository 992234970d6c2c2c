import { Cron } from 'croner';
import type { Log } from '../runtime/log.ts';
import type { Database } from '../sql/database.ts';
import { askListRun, dueListItems } from '../sql/lists/list-items.ts';

/** Asks for the list items whose own schedule says now; returns how many runs that made. */
export async function askDueListItems(database: Database, log: Log, now: Date): Promise<number> {
  const due = (await dueListItems(database)).filter(({ id, schedule, timezone, since }) => {
    if (since === null) return true;
    try {
      const next = new Cron(schedule, { timezone, paused: true }).nextRun(since);
      return next !== null && next <= now;
    } catch {
      log.warn({ event: 'pull.schedule.refused', item: id, schedule }, 'The schedule of a list item cannot be read');
      return false;
    }
  });
  return due.length === 0
    ? 0
    : askListRun(
        database,
        due.map(({ id }) => id),
      );
}
