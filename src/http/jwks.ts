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
const TRY_AGAIN_AFTER = 5_000;
/** Whoever gives the keys may be away for so long before tokens that are known to be good stop counting. */
const KEEP_WHILE_AWAY = 3_600_000;
const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string().optional() })).max(100) });

type Keys = readonly JsonWebKey[];

interface Asked {
  readonly at: number;
  readonly answer: Promise<Keys>;
  failed: boolean;
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
  let known: { readonly at: number; readonly keys: Keys } | undefined;
  let asked: Asked | undefined;
  const isYoung = ({ at }: { readonly at: number }, age: number): boolean => clock.now() - at < age;
  const read = async (): Promise<Keys> => {
    const answer = await client.send({ method: 'GET', url, maxBytes: 256 * 1024 });
    if (answer.status !== 200) throw answer.fault();
    return keySet.parse(answer.json()).keys;
  };
  const ask = (): Promise<Keys> => {
    if (asked !== undefined && isYoung(asked, asked.failed ? TRY_AGAIN_AFTER : ASK_AGAIN_AFTER)) return asked.answer;
    const mine: Asked = { at: clock.now(), answer: read(), failed: false };
    asked = mine;
    mine.answer.then(
      (keys) => (known = { at: mine.at, keys }),
      () => (mine.failed = true),
    );
    return mine.answer;
  };
  const current = async (): Promise<Keys> => {
    const before = known;
    if (before !== undefined && isYoung(before, KEEP_FOR)) return before.keys;
    return ask().catch((error: unknown) => {
      if (before !== undefined && isYoung(before, KEEP_WHILE_AWAY)) return before.keys;
      throw error;
    });
  };
  return {
    find: async (id) => {
      const fits = (keys: Keys) => (id === undefined ? keys : keys.filter(({ kid }) => kid === id));
      const found = fits(await current());
      return found.length > 0 ? found : fits(await ask());
    },
    close: async () => {
      stop.abort();
      await client.close();
    },
  };
}
