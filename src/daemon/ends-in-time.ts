import type { Clock } from '../runtime/clock.ts';

/** Whether the work ends, at the latest so long after the signal. */
export async function endsInTime(
  work: Promise<unknown>,
  signal: AbortSignal,
  patience: () => number,
  clock: Clock,
): Promise<boolean> {
  const over = new AbortController();
  const late = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  })
    .then(() => clock.wait(patience(), over.signal))
    .catch(() => undefined)
    .then(() => false);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    over.abort();
  }
}
