import type { WatchedClock } from '../runtime/clock.ts';
import { openDatabase } from '../sql/database.ts';
import { readDate } from '../sql/read-date.ts';
import { readVersion } from '../sql/read-version.ts';

const LOOK_EVERY = 1_000;
/** Looks without an answer; counted, because a process that was stopped for a while has not waited. */
const SILENT_AFTER = 30;

interface Options {
  readonly url: string;
  /** Learns the server's date from every look. */
  readonly clock: WatchedClock;
  readonly signal: AbortSignal;
  /** Hears at every look which release the database holds; undefined where it holds none. */
  readonly onLook: (version: string | undefined) => void;
}

/**
 * Resolves to true when the server has answered nothing for half a minute: a network may forget a connection and tell
 * neither side, and whoever waits for an answer on it waits for a quarter of an hour. A refusal is an answer.
 */
export async function watchDatabase({ url, clock, signal, onLook }: Options): Promise<boolean> {
  const database = openDatabase({ url, part: 'watch', connections: 1 });
  const look = async (): Promise<void> => {
    const from = clock.now();
    const date = await readDate(database);
    clock.see(from, clock.now(), date);
    onLook((await readVersion(database))?.version);
  };
  let asked = false;
  let looks = 0;
  try {
    while (!signal.aborted) {
      if (!asked) {
        asked = true;
        looks = 0;
        void look()
          .catch(() => undefined)
          .then(() => {
            asked = false;
          });
      }
      await clock.wait(LOOK_EVERY, signal).catch(() => undefined);
      looks += 1;
      if (asked && looks > SILENT_AFTER) return true;
    }
    return false;
  } finally {
    await database.end({ timeout: 0 });
  }
}
