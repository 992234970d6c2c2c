import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { backoffDelay } from '../runtime/retry.ts';

const RESTART = { base: 200, cap: 10_000 };
/** Work that went on for so long had recovered. */
const RECOVERED = 30_000;

/** Keeps a loop alive until told to stop: what crashes starts again, later each time. */
export async function supervise(
  name: string,
  work: (signal: AbortSignal) => Promise<void>,
  { clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal },
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const began = clock.now();
    try {
      await work(signal);
      if (!signal.aborted) log.debug({ event: 'daemon.loop.ended', loop: name }, 'A loop ended and starts again');
    } catch (error) {
      if (signal.aborted) return;
      log.error(
        { event: 'daemon.loop.failed', loop: name, why: messageOf(error), sqlstate: (error as { code?: string }).code },
        'A loop failed and starts again',
      );
    }
    failures = clock.now() - began > RECOVERED ? 1 : failures + 1;
    await clock.wait(backoffDelay(failures, RESTART), signal).catch(() => undefined);
  }
}
