import type { Clock } from '../runtime/clock.ts';
import { TidewayError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { backoffDelay } from '../runtime/retry.ts';
import { connectionFault } from '../sql/database.ts';

const AGAIN = { base: 250, cap: 5_000 };

/** Tries until the server answers, and says once why it does not. Undefined when told to stop before that. */
export async function waitForDatabase<Result>(
  ask: () => Promise<Result>,
  { url, clock, log, signal }: { url: string; clock: Clock; log: Log; signal: AbortSignal },
): Promise<Result | undefined> {
  // Waiting by the clock alone does not keep a process alive, and here is nothing else yet.
  const alive = setInterval(() => undefined, 60_000);
  try {
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        return await ask();
      } catch (error) {
        const fault = connectionFault(error, url);
        if (!(fault instanceof TidewayError) || fault.code !== 'TWC01') throw fault;
        const { code, where, mend, message } = fault;
        if (failures === 1) log.warn({ event: 'daemon.database.awaited', code, where, mend }, `${message}; waiting`);
        await clock.wait(backoffDelay(failures, AGAIN), signal).catch(() => undefined);
      }
    }
    return undefined;
  } finally {
    clearInterval(alive);
  }
}
