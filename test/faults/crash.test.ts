import { expect, test } from 'vitest';
import { useOutbound } from '../flow/outbound/stage.ts';
import { seed } from '../support/seed.ts';
import { waitFor } from '../support/wait-for.ts';
import { plain as kind } from './apps/plain.ts';
import { createDraws } from './draws.ts';
import { endure } from './endure.ts';
import { PLACES } from './keeper.ts';

const flow = useOutbound();
const whole = process.env.TIDEWAY_TEST_CRASH === 'all';
const draws = createDraws(seed);
const sample = ['follow', 'push', 'pull'].map((room) => draws.pick(PLACES.filter((place) => place.startsWith(room))));

for (const place of whole ? PLACES : sample)
  for (let passage = 1; passage <= (whole ? 6 : 1); passage += 1)
    test(`kill -9 at passage ${String(passage)} of ${place}: both sides end equal, nothing is lost or doubled`, async (context) => {
      const { kills } = await endure(flow, {
        kind,
        trouble: ({ keeper }) => keeper.start(`${place}@${String(passage)}`),
      });
      if (kills === 0 && passage > 1) context.skip(`The scenario passes ${place} fewer times.`);
    });

const errors = [
  { what: 'a connection reset', with: { kind: 'reset' } },
  { what: 'a 500', with: { kind: 'status', status: 500 } },
  { what: 'a 500 after the work was done', with: { kind: 'status', status: 500, applied: true } },
  { what: 'a 429', with: kind.throttled },
] as const;
const requests = whole ? 8 : 1;
for (const { what, with: fault } of whole ? errors : [draws.pick(errors)])
  for (let after = 0; after < requests; after += 1) {
    const nth = whole ? after : draws.below(6);
    test(`${what} at request ${String(nth + 1)}: both sides end equal, nothing is lost or doubled`, async () => {
      const { failures } = await endure(flow, {
        kind,
        trouble: async ({ side, keeper }) => {
          side.fail({ path: '/records', after: nth, with: fault });
          await keeper.start();
        },
      });
      expect(failures).toBe(1);
    });
  }

for (let after = 1; after <= (whole ? 8 : 1); after += 1)
  test(`57P01 on every connection at request ${String(after)}: both sides end equal, nothing is lost or doubled`, async () => {
    await endure(flow, {
      kind,
      trouble: async ({ side, keeper }) => {
        const before = side.requests().length;
        await keeper.start();
        await waitFor(() => side.requests().length >= before + after);
        await flow.pool.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'tideway/%'`,
        );
      },
    });
  });

for (let pair = 0; pair < (whole ? 12 : 1); pair += 1) {
  const [first, second] = [draws.pick(PLACES), draws.pick(PLACES)];
  test(`kill -9 at ${first}, and again at ${second} while it recovers: both sides end equal (pair ${String(pair + 1)})`, async () => {
    await endure(flow, {
      kind,
      trouble: async ({ keeper }) => {
        await keeper.start(first);
        await Promise.race([keeper.death, flow.settled(60_000)]);
        if (keeper.isDead) await keeper.start(second);
      },
    });
  });
}
