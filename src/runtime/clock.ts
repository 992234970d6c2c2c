import { setTimeout as sleep } from 'node:timers/promises';

/** Time as the daemon sees it; handed in, so that tests need not wait. */
export interface Clock {
  /** Milliseconds that only grow. */
  readonly now: () => number;
  readonly wait: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

/**
 * A clock that also tells the date, as the database's server has it and not this machine: due times and schedules are
 * stored there, and daemons on several machines share them.
 */
export interface ServerClock extends Clock {
  /** Milliseconds since 1970. */
  readonly time: () => number;
}

export interface WatchedClock extends ServerClock {
  /** Takes in that the server's date was `date` at some moment between the two. */
  readonly see: (asked: number, answered: number, date: number) => void;
}

/** Until the server was asked, it tells this machine's date. */
export function createServerClock({ now, wait }: Clock): WatchedClock {
  let ahead = Date.now() - now();
  return {
    now,
    wait,
    time: () => now() + ahead,
    see: (asked, answered, date) => {
      const seen = date - (asked + answered) / 2;
      // An answer that took long says little; what it does not contradict stays.
      if (Math.abs(seen - ahead) > (answered - asked) / 2) ahead = seen;
    },
  };
}

export const monotonicClock: Clock = {
  now: () => performance.now(),
  wait: async (milliseconds, signal) => {
    await sleep(milliseconds, undefined, { signal, ref: false });
  },
};
