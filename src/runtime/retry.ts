import { Fault } from '../model/fault.ts';

export interface Backoff {
  /** Milliseconds. */
  readonly base: number;
  readonly cap: number;
}

/** Full jitter: any wait up to the exponential one, so that many who failed together do not return together. */
export function backoffDelay(attempt: number, { base, cap }: Backoff, random: () => number = Math.random): number {
  return Math.round(random() * Math.min(cap, base * 2 ** Math.min(attempt - 1, 30)));
}

export interface RetryOptions extends Backoff {
  readonly attempts: number;
  readonly signal: AbortSignal;
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly random?: () => number;
}

/**
 * Repeats work that failed for a passing reason, waiting as long as the app asked for at least.
 * Only for work that may be done twice: an uncertain write is not repeated here.
 */
export async function retry<Result>(work: () => Promise<Result>, options: RetryOptions): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const facts = error instanceof Fault ? error.facts : undefined;
      if (facts === undefined || !facts.retryable || facts.uncertain || attempt >= options.attempts) throw error;
      options.signal.throwIfAborted();
      const delay = backoffDelay(attempt, options, options.random);
      await options.wait(Math.max(delay, facts.retryAfter ?? 0), options.signal);
    }
  }
}
