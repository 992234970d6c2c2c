import type { Clock } from './clock.ts';
import type { EgressRules } from './egress.ts';
import { messageOf } from './errors.ts';
import { createHttpClient } from './http-client.ts';
import type { Log } from './log.ts';
import { createLimiter } from './rate-limit.ts';

/** What went wrong, for somebody who is not looking. */
interface Notice {
  readonly mapping: string;
  readonly kind: string;
  readonly run: string;
  readonly code: string;
  readonly message: string;
}

export interface Notifier {
  /** Tells it once; the same trouble of a mapping is told again only after it was over. Never throws, never waits. */
  failed(notice: Notice): void;
  recovered(mapping: string): void;
  close(): Promise<void>;
}

interface Options {
  readonly url: string | undefined;
  readonly egress: EgressRules;
  readonly clock: Clock;
  readonly log: Log;
}

/** Posts failures to a URL of the operator's, as JSON; without one it does nothing. */
export function createNotifier({ url, egress, clock, log }: Options): Notifier {
  if (url === undefined) return { failed: () => {}, recovered: () => {}, close: () => Promise.resolve() };
  const told = new Map<string, string>();
  const stop = new AbortController();
  const client = createHttpClient({
    origins: [new URL(url).origin],
    secrets: [url],
    egress,
    lane: 'pull',
    limiter: createLimiter({ requestsPerSecond: 5, burst: 5, concurrency: 2 }, clock),
    signal: stop.signal,
    deadline: 10_000,
  });
  const post = async (notice: Notice): Promise<void> => {
    const answer = await client.send({ method: 'POST', url, json: { event: 'run_failed', ...notice } });
    if (answer.status >= 300) throw answer.fault();
  };
  return {
    failed: (notice) => {
      if (told.get(notice.mapping) === notice.code) return;
      told.set(notice.mapping, notice.code);
      post(notice).catch((error: unknown) => {
        told.delete(notice.mapping);
        log.warn(
          { event: 'daemon.notification.failed', why: messageOf(error) },
          'The notification of a failure could not be delivered',
        );
      });
    },
    recovered: (mapping) => void told.delete(mapping),
    close: async () => {
      stop.abort();
      await client.close();
    },
  };
}
