import type { OwnedConnection } from '../connectors/owned-connection.ts';
import { Fault } from '../model/fault.ts';
import type { Clock } from '../runtime/clock.ts';
import { retry } from '../runtime/retry.ts';
import { ReadStopped } from './read-stopped.ts';

/** A long read outlasts an outage of minutes; a short one is due again soon anyway. */
const PATIENCE = {
  short: { attempts: 5, base: 250, cap: 10_000 },
  long: { attempts: 15, base: 250, cap: 60_000 },
} as const;

export type Patience = keyof typeof PATIENCE;

/** Repeats what failed for a passing reason, until it works, the patience ends, or the daemon is told to stop. */
export function patiently<Result>(
  { owned, clock }: { readonly owned: OwnedConnection; readonly clock: Clock },
  patience: Patience,
  work: () => Promise<Result>,
): Promise<Result> {
  const stopped = (): ReadStopped => new ReadStopped('The daemon was told to stop.');
  return retry(
    async () => {
      try {
        return await work();
      } catch (error) {
        throw error instanceof Fault && owned.stopping.aborted ? stopped() : error;
      }
    },
    {
      ...PATIENCE[patience],
      signal: owned.stopping,
      wait: async (milliseconds, signal) => {
        await clock.wait(milliseconds, signal).catch(() => {
          throw stopped();
        });
      },
    },
  );
}
