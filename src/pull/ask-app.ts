import type { OwnedConnection } from '../connectors/owned-connection.ts';
import { Fault } from '../model/fault.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import { retry } from '../runtime/retry.ts';
import { isDatabaseError } from '../sql/is-over.ts';
import { ReadStopped } from './read-stopped.ts';

/** A long read outlasts an outage of minutes; a short one is due again soon anyway. */
export const PATIENCE = {
  short: { attempts: 5, base: 250, cap: 10_000 },
  long: { attempts: 15, base: 250, cap: 60_000 },
} as const;

const BELIEVE_AT_MOST = 4;

/** Asks the app for something that may be asked twice; what it cannot answer for a passing reason is asked again. */
export function askApp<Answer>(
  { owned, clock }: { readonly owned: OwnedConnection; readonly clock: Clock },
  patience: keyof typeof PATIENCE,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  let unbelievable = 0;
  return retry(
    async () => {
      if (owned.stopping.aborted) throw new ReadStopped('The daemon was told to stop.');
      try {
        return await ask();
      } catch (error) {
        // An outage is worth waiting for; an answer that contradicts itself again and again is not.
        if (error instanceof Fault && error.facts.code === 'BAD_RESPONSE' && ++unbelievable >= BELIEVE_AT_MOST) {
          throw new Fault('BAD_RESPONSE', error.message, { ...error.facts, retryable: false, cause: error });
        }
        if (error instanceof Fault || error instanceof ReadStopped || isDatabaseError(error)) throw error;
        throw new Fault('INTERNAL', `The connector failed: ${messageOf(error)}`, { cause: error });
      }
    },
    {
      ...PATIENCE[patience],
      signal: owned.stopping,
      wait: async (milliseconds, signal) => {
        await clock.wait(milliseconds, signal).catch(() => {
          throw new ReadStopped('The daemon was told to stop.');
        });
      },
    },
  );
}
