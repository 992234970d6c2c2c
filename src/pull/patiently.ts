import type { OwnedConnection } from '../connectors/owned-connection.ts';
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
  return retry(work, {
    ...PATIENCE[patience],
    signal: owned.stopping,
    wait: async (milliseconds, signal) => {
      await clock.wait(milliseconds, signal).catch(() => {
        throw new ReadStopped('The daemon was told to stop.');
      });
    },
  });
}
