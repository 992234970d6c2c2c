import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { useOutbound } from '../flow/outbound/stage.ts';
import { seed } from '../support/seed.ts';
import { waitFor } from '../support/wait-for.ts';
import { violations } from './checker.ts';
import { createDraws } from './draws.ts';
import type { History } from './history.ts';
import { Keeper, PLACES } from './keeper.ts';
import { World } from './world.ts';

const flow = useOutbound();
/** Every effect in the order of time, for people who look for the cause. */
function tell({ effects }: History): string[] {
  return [...effects]
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .map(
      ({ at, side, by, late, before, after }) =>
        `${at.slice(14)} ${side} ${by}${late ? ' (late)' : ''}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`,
    );
}

const keys = process.env.TIDEWAY_TEST_KEYS === '1';
const rounds = Number(process.env.TIDEWAY_TEST_ROUNDS ?? 1);

for (let round = 0; round < rounds; round += 1)
  for (const apps of [2, 3]) {
    const mine = seed + round;
    test(`${String(apps)} apps on one table converge, whatever people, faults and kills do (seed ${String(mine)})`, async () => {
      const draws = createDraws(mine * 8 + apps);
      const world = await World.begin(flow, draws, apps, keys);
      const trace: string[] = [];
      const began = Date.now();
      const say = (text: string): void => {
        trace.push(`${String(Date.now() - began)} ${text}`);
        if (process.env.TIDEWAY_TEST_TRACE) console.log(trace.at(-1));
      };
      const keeper = new Keeper(flow);
      const start = async (): Promise<void> => {
        const place = `${draws.pick(PLACES)}@${String(1 + draws.below(6))}`;
        say(`daemon that dies at ${place}`);
        await keeper.start(place);
      };
      const endLate = world.landLate();
      let faults = 0;
      for (let step = 0; step < 60; step += 1) {
        if (step % 12 === 0 && !keeper.isDead) {
          say('kill');
          await keeper.kill();
        }
        if (keeper.isDead) await start();
        if (draws.chance(0.35)) {
          faults += 1;
          say(world.misbehave());
        }
        say(await world.act());
        // People are not in step with the daemon: sometimes it is ahead of them, sometimes behind.
        if (draws.chance(0.6)) await pause(draws.below(250));
      }
      say('calm');
      endLate();
      world.calm();
      await keeper.kill();
      await keeper.start();
      const judge = async (deletionsFound: boolean): Promise<void> => {
        await flow.settled(25_000).catch((error: unknown) => {
          say(String(error));
        });
        let found: string[] = [];
        await waitFor(
          async () => {
            found = violations(await world.history(), { deletionsFound });
            return found.length === 0;
          },
          { within: 20_000 },
        ).catch(() => undefined);
        say('judged');
        if (found.length > 0)
          console.error(
            [`seed ${String(mine)}`, ...trace, ...tell(await world.history()), ...(await world.links())].join('\n'),
          );
        expect(found).toEqual([]);
      };
      await judge(false);
      for (const { name } of world.stages) await flow.pool.query(`select tideway.sweep($1)`, [name]);
      await judge(true);
      // Without faults and kills nothing was tried.
      expect({ faults: faults > 0, kills: keeper.kills > 0 }).toEqual({ faults: true, kills: true });
    });
  }
