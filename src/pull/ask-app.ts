import type { OwnedConnection } from '../connectors/owned-connection.ts';
import { Fault } from '../model/fault.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import { isDatabaseError } from '../sql/is-over.ts';
import { patiently, type Patience } from './patiently.ts';
import { ReadStopped } from './read-stopped.ts';

const BELIEVE_AT_MOST = 4;

/** Asks the app for something that may be asked twice; what it cannot answer for a passing reason is asked again. */
export function askApp<Answer>(
  options: { readonly owned: OwnedConnection; readonly clock: Clock },
  patience: Patience,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  let unbelievable = 0;
  return patiently(options, patience, async () => {
    if (options.owned.stopping.aborted) throw new ReadStopped('The daemon was told to stop.');
    try {
      return await ask();
    } catch (error) {
      // An outage is worth waiting for; an answer that contradicts itself again and again is not, nor a place that is gone.
      const code = error instanceof Fault ? error.facts.code : undefined;
      const isVain = code === 'CURSOR_EXPIRED' || (code === 'BAD_RESPONSE' && ++unbelievable >= BELIEVE_AT_MOST);
      if (error instanceof Fault && isVain) {
        throw new Fault(error.facts.code, error.message, { ...error.facts, retryable: false, cause: error });
      }
      if (error instanceof Fault || error instanceof ReadStopped || isDatabaseError(error)) throw error;
      throw new Fault('INTERNAL', `The connector failed: ${messageOf(error)}`, { cause: error });
    }
  });
}
