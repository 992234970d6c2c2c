import type { Connector, Session } from '../../src/connectors/connector.ts';
import { monotonicClock } from '../../src/runtime/clock.ts';
import { createHttpClient } from '../../src/runtime/http-client.ts';
import { createMemory } from '../../src/runtime/memory.ts';
import { createLimiter } from '../../src/runtime/rate-limit.ts';

export interface OpenSession<Settings> {
  readonly session: Session<Settings>;
  /** Tokens that the connector stored. */
  readonly tokens: ReadonlyMap<string, string>;
  readonly close: () => Promise<void>;
}

export interface SessionOptions<Settings> {
  readonly connector: Connector<Settings>;
  readonly settings: Settings;
  readonly secret: string | null;
  /** Milliseconds; short where a test waits for it to pass. */
  readonly deadline?: number;
  readonly now?: () => number;
}

/** A session as the daemon makes it, with the stand-in's address allowed. */
export function openSession<Settings>(options: SessionOptions<Settings>): OpenSession<Settings> {
  const { connector, settings, secret, deadline = 5_000, now = Date.now } = options;
  const origins = connector.origins(settings);
  const tokens = new Map<string, string>();
  const stopping = new AbortController();
  const http = createHttpClient({
    origins,
    secrets: secret === null ? [] : [secret],
    egress: { allow: origins.map((origin) => new URL(origin).host) },
    lane: 'push',
    limiter: createLimiter(connector.describe(settings).limits.rates, monotonicClock),
    signal: stopping.signal,
    deadline,
  });
  const session: Session<Settings> = {
    settings,
    secret,
    http,
    tokens: {
      load: async (name) => Promise.resolve(tokens.get(name) ?? null),
      store: async (name, value) => {
        tokens.set(name, value);
        return Promise.resolve();
      },
    },
    memory: createMemory(Date.now),
    now,
    signal: stopping.signal,
  };
  return { session, tokens, close: () => http.close() };
}
