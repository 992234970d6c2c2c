import type { JsonWebKey } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../runtime/clock.ts';
import type { EgressRules } from '../runtime/egress.ts';
import { createHttpClient } from '../runtime/http-client.ts';
import { createLimiter } from '../runtime/rate-limit.ts';
import type { FindKeys } from './jwt.ts';

const KEEP_FOR = 600_000;
/** An unknown id asks again, but a flood of made-up ids does not. */
const ASK_AGAIN_AFTER = 30_000;
const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string().optional() })).max(100) });

interface Kept {
  readonly at: number;
  readonly keys: Promise<readonly JsonWebKey[]>;
}

/** The public keys behind an address, kept for ten minutes; asked for through the guard of all outgoing requests. */
export function createJwks({ url, egress, clock }: { url: string; egress: EgressRules; clock: Clock }): {
  readonly find: FindKeys;
  readonly close: () => Promise<void>;
} {
  const stop = new AbortController();
  const client = createHttpClient({
    origins: [new URL(url).origin],
    secrets: [],
    egress,
    lane: 'pull',
    limiter: createLimiter({ requestsPerSecond: 1, burst: 5, concurrency: 2 }, clock),
    signal: stop.signal,
    deadline: 5_000,
  });
  let kept: Kept | undefined;
  const ask = async (): Promise<readonly JsonWebKey[]> => {
    const answer = await client.send({ method: 'GET', url, maxBytes: 256 * 1024 });
    if (answer.status !== 200) throw answer.fault();
    return keySet.parse(answer.json()).keys;
  };
  const within = (age: number): Promise<readonly JsonWebKey[]> => {
    if (kept !== undefined && clock.now() - kept.at < age) return kept.keys;
    const mine: Kept = { at: clock.now(), keys: ask() };
    kept = mine;
    mine.keys.catch(() => {
      if (kept === mine) kept = undefined;
    });
    return mine.keys;
  };
  return {
    find: async (id) => {
      const fits = (keys: readonly JsonWebKey[]) => (id === undefined ? keys : keys.filter(({ kid }) => kid === id));
      const found = fits(await within(KEEP_FOR));
      return found.length > 0 ? found : fits(await within(ASK_AGAIN_AFTER));
    },
    close: async () => {
      stop.abort();
      await client.close();
    },
  };
}
