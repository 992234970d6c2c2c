import { setTimeout as sleep } from 'node:timers/promises';

/** Time as the daemon sees it; handed in, so that tests need not wait. */
export interface Clock {
  /** Milliseconds that only grow. */
  readonly now: () => number;
  readonly wait: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

export const monotonicClock: Clock = {
  now: () => performance.now(),
  wait: async (milliseconds, signal) => {
    await sleep(milliseconds, undefined, { signal, ref: false });
  },
};
