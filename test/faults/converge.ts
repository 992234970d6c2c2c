import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import type { useOutbound } from '../flow/outbound/stage.ts';
import { waitFor } from '../support/wait-for.ts';
import type { AppKind } from './apps/app-kind.ts';
import { violations } from './checker.ts';
import { createDraws } from './draws.ts';
import { Keeper, PLACES } from './keeper.ts';
import { tell, World, type WorldOptions } from './world.ts';

interface Round extends WorldOptions {
  readonly kinds: readonly AppKind[];
  readonly seed: number;
  readonly steps: number;
}

/** People write on all sides in bad weather, and the daemon dies now and then; in the end all sides are judged. */
export async function converge(
  flow: ReturnType<typeof useOutbound>,
  { kinds, seed, steps, ...options }: Round,
): Promise<void> {
  const draws = createDraws(seed);
  const world = await World.begin(flow, draws, kinds, options);
  const trace: string[] = [];
  const began = Date.now();
  const say = (text: string): void => {
    trace.push(`${String(Date.now() - began)} ${text}`);
    if (process.env.TIDEWAY_TEST_TRACE) console.log(trace.at(-1));
  };
  const keeper = new Keeper(flow, world.env);
  const start = async (): Promise<void> => {
    const place = `${draws.pick(PLACES)}@${String(1 + draws.below(6))}`;
    say(`daemon that dies at ${place}`);
    await keeper.start(place);
  };
  const asked = (): number => world.sides.reduce((sum, side) => sum + side.requests().length, 0);
  const heard = async (before: number): Promise<void> => {
    await waitFor(() => keeper.isDead || asked() > before, { within: 10_000 }).catch(() => undefined);
  };
  const endLate = world.landLate();
  for (let step = 0; step < steps; step += 1) {
    if (step % 12 === 0 && !keeper.isDead) {
      say('kill');
      await keeper.kill();
    }
    if (keeper.isDead) await start();
    if (draws.chance(0.35)) say(world.misbehave());
    say(await world.act());
    // People are not in step with the daemon: sometimes it is ahead of them, sometimes behind.
    if (draws.chance(0.6)) await pause(draws.below(250));
    // On a slow machine people would be done before it had asked anything.
    if (step % 4 === 3) await heard(asked());
  }
  say('calm');
  endLate();
  await world.calm();
  await keeper.kill();
  await keeper.start();
  const judge = async (deletionsFound: boolean): Promise<void> => {
    await flow.settled(60_000).catch((error: unknown) => {
      say(String(error));
    });
    let found: string[] = [];
    await waitFor(
      async () => {
        found = violations(await world.history(), { deletionsFound });
        return found.length === 0;
      },
      { within: 40_000 },
    ).catch(() => undefined);
    say('judged');
    if (found.length > 0)
      console.error(
        [`seed ${String(seed)}`, ...trace, ...tell(await world.history()), ...(await world.links())].join('\n'),
      );
    expect(found).toEqual([]);
  };
  await judge(false);
  for (const { name } of world.sides) await flow.pool.query(`select tideway.sweep($1)`, [name]);
  await judge(true);
  // Without faults and kills nothing was tried.
  const faults = world.sides.reduce((sum, side) => sum + side.failures().length, 0);
  expect({ faults: faults > 0, kills: keeper.kills > 0 }).toEqual({ faults: true, kills: true });
}
