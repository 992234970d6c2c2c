import type { Clock } from './clock.ts';
import type { EgressRules } from './egress.ts';
import { messageOf } from './errors.ts';
import { createHttpClient } from './http-client.ts';
import type { Log } from './log.ts';
import { createLimiter } from './rate-limit.ts';

export interface Invalidator {
  /** The app changed rows here: the caches of the mapping are told soon, once for many changes. Never throws, never waits. */
  changed(mapping: { readonly name: string; readonly invalidate: readonly string[] }): void;
  close(): Promise<void>;
}

interface Options {
  readonly egress: EgressRules;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds in which changes gather before a cache is told. */
const GATHER = 500;
const TRIES = 3;

/** Posts to caches outside of Tideway that rows changed; what cannot be delivered is logged, no sync waits for it. */
export function createInvalidator({ egress, clock, log }: Options): Invalidator {
  const waiting = new Map<string, Set<string>>();
  const clients = new Map<string, ReturnType<typeof createHttpClient>>();
  const stop = new AbortController();
  const clientOf = (url: string): ReturnType<typeof createHttpClient> => {
    const known = clients.get(url);
    if (known !== undefined) return known;
    const limiter = createLimiter({ requestsPerSecond: 10, burst: 10, concurrency: 2 }, clock);
    const client = createHttpClient({
      origins: [new URL(url).origin],
      // Its path or query may hold a token.
      secrets: [url],
      egress,
      lane: 'pull',
      limiter,
      signal: stop.signal,
      deadline: 10_000,
    });
    clients.set(url, client);
    return client;
  };
  const post = async (url: string, mappings: readonly string[]): Promise<void> => {
    const answer = await clientOf(url).send({ method: 'POST', url, json: { event: 'rows_changed', mappings } });
    if (answer.status >= 300) throw answer.fault();
  };
  const tell = async (url: string): Promise<void> => {
    await clock.wait(GATHER, stop.signal);
    const mappings = [...(waiting.get(url) ?? [])];
    waiting.delete(url);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await post(url, mappings);
      } catch (error) {
        if (attempt === TRIES || stop.signal.aborted) throw error;
        await clock.wait(GATHER * 2 ** attempt, stop.signal);
      }
    }
  };
  return {
    changed: ({ name, invalidate }) => {
      for (const url of invalidate) {
        const gathering = waiting.get(url);
        if (gathering !== undefined) {
          gathering.add(name);
          continue;
        }
        waiting.set(url, new Set([name]));
        tell(url).catch((error: unknown) => {
          if (!stop.signal.aborted)
            log.warn(
              { event: 'pull.cache.untold', mapping: name, why: messageOf(error) },
              'A cache could not be told that rows changed',
            );
        });
      }
    },
    close: async () => {
      stop.abort();
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
}
