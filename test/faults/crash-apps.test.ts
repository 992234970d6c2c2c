import { expect, test } from 'vitest';
import { useOutbound } from '../flow/outbound/stage.ts';
import { seed } from '../support/seed.ts';
import { KINDS } from './apps/kinds.ts';
import { createDraws } from './draws.ts';
import { endure } from './endure.ts';
import { PLACES } from './keeper.ts';

const flow = useOutbound();
const whole = process.env.TIDEWAY_TEST_CRASH === 'all';
const draws = createDraws(seed);
/** A page of the scenario's few records is one part: nothing lies between two of them. */
const reached = PLACES.filter((place) => place !== 'pull.part');
/** Shorter than any wait of the scenario: no request is under way when its sender is gone. */
const settings = { request_life: 300 };

for (const [number, kind] of KINDS.entries()) {
  const { name } = kind;
  const died = new Map<string, boolean>();
  // A kill for every other app and an error for those between are what a default run has time for.
  const places = whole ? reached : [draws.pick(reached)].slice(number % 2);
  for (const [at, place] of places.entries())
    for (let passage = 1; passage <= (whole ? 2 : 1); passage += 1)
      test(`${name}: kill -9 at passage ${String(passage)} of ${place}`, async (context) => {
        if (died.get(place) === false) context.skip(`The scenario passes ${place} fewer times.`);
        const emptiedBy = (at + passage) % 2 === 0 ? 'app' : 'table';
        const trouble: Parameters<typeof endure>[1]['trouble'] = ({ keeper }) =>
          keeper.start(`${place}@${String(passage)}`);
        died.set(place, (await endure(flow, { kind, settings, emptiedBy, trouble })).kills > 0);
        if (!died.get(place)) context.skip(`The scenario passes ${place} fewer times.`);
      });

  const errors = [
    { what: 'a connection reset', with: { kind: 'reset' } },
    { what: 'a 500', with: { kind: 'status', status: 500 } },
    { what: 'a lost answer', with: { kind: 'drop_answer' } },
    { what: 'what the app says when it is asked too much', with: kind.throttled },
  ] as const;
  const sampled = errors.slice(0, kind.sulks ? 3 : 4);
  const one = [draws.pick(sampled)].slice((number + 1) % 2);
  for (const { what, with: fault } of whole ? errors : one)
    for (let request = 1; request <= (whole ? (kind.sulks && fault === kind.throttled ? 1 : 4) : 1); request += 1) {
      const nth = whole ? request : 1 + draws.below(4);
      test(`${name}: ${what} at request ${String(nth)}`, async () => {
        const { failures } = await endure(flow, {
          kind,
          settings,
          emptiedBy: nth % 2 === 0 ? 'app' : 'table',
          trouble: async ({ side, keeper }) => {
            side.fail({ when: (asked) => kind.isRead(asked) || kind.isWrite(asked), after: nth - 1, with: fault });
            await keeper.start();
          },
        });
        expect(failures).toBe(1);
      });
    }

  for (let pair = 0; pair < (whole ? 2 : 0); pair += 1) {
    const [first, second] = [draws.pick(reached), draws.pick(reached)];
    test(`${name}: kill -9 at ${first}, and again at ${second} while it recovers (pair ${String(pair + 1)})`, async (context) => {
      const { kills } = await endure(flow, {
        kind,
        settings,
        trouble: async ({ keeper }) => {
          await keeper.start(first);
          await Promise.race([keeper.death, flow.settled(60_000)]);
          if (keeper.isDead) await keeper.start(second);
        },
      });
      if (kills < 2)
        context.skip(`The scenario passes ${kills === 0 ? first : `${second} while it recovers`} fewer times.`);
    });
  }
}
