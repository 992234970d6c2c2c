import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { close } from '../faults/apps/close.ts';
import { KINDS } from '../faults/apps/kinds.ts';
import { netsuite } from '../faults/apps/netsuite.ts';
import { violations } from '../faults/checker.ts';
import { createDraws, type Draws } from '../faults/draws.ts';
import { tell, World } from '../faults/world.ts';
import { ended, sync } from '../flow/inbound/sync.ts';
import { useOutbound } from '../flow/outbound/stage.ts';
import { startDaemon } from '../support/daemon.ts';
import { seed } from '../support/seed.ts';
import { waitFor } from '../support/wait-for.ts';
import { Daemons } from './daemons.ts';
import { judge, render, tally, type Run } from './report.ts';
import { daemonTroubles, resumeStopped, snapshotTrouble, tableTroubles, type Trouble } from './troubles.ts';
import { growths, measure, type Usage } from './usage.ts';

const flow = useOutbound();
const minutes = Number(process.env.TIDEWAY_TEST_MINUTES ?? 10);
const folder = '.tideway/soak';

/** How long the work that is left may take when all is quiet. */
const SETTLES_WITHIN = 300_000;

test(`everything at once for ${String(minutes)} minutes (seed ${String(seed)})`, async () => {
  const milliseconds = minutes * 60_000;
  const worlds: World[] = [];
  const common = { types: { name: 'varchar(40)' }, patient: true };
  for (const [at, kind] of KINDS.entries()) {
    const name = kind.name.replaceAll(' ', '_');
    const options = { table: name, names: [name], partitioned: at % 3 === 0 };
    worlds.push(await World.begin(flow, createDraws(seed * 16 + at), [kind], { ...options, ...common }));
  }
  if (KINDS.includes(close) && KINDS.includes(netsuite)) {
    const options = { table: 'shared', names: ['shared_close', 'shared_netsuite'] };
    worlds.push(await World.begin(flow, createDraws(seed * 16 + 12), [close, netsuite], { ...options, ...common }));
  }
  const names = worlds.flatMap((world) => world.names);
  const env = Object.assign({}, ...worlds.map((world) => world.env)) as Record<string, string>;
  const daemons = new Daemons(() =>
    startDaemon(flow.url, { TIDEWAY_SLOT: flow.slot, TIDEWAY_LOG_LEVEL: 'info', ...env }),
  );
  await daemons.begin();

  const trace: string[] = [];
  const problems: string[] = [];
  const usages: Usage[] = [];
  const made: Record<string, number> = {};
  const began = Date.now();
  const loads = [loadavg()[0] ?? 0];
  const say = (text: string): void => {
    trace.push(`${new Date().toISOString().slice(14)} ${text}`);
  };
  const part = (): number => (Date.now() - began) / milliseconds;
  const rest = (long: number): Promise<void> => pause(Math.max(0, Math.min(long, began + milliseconds - Date.now())));
  /** One daemon lives through the middle half, so that its growth can be seen. */
  const isDeadly = (): boolean => part() < 0.25 || part() > 0.75;

  const people = async (draws: Draws): Promise<void> => {
    while (part() < 1) {
      const world = draws.pick(worlds);
      if (draws.chance(0.3)) say(world.misbehave());
      const told = world.act().catch((error: unknown) => {
        // Its partition is away.
        if ((error as { code?: string }).code !== '23514')
          problems.push(`a person in ${world.table}: ${String(error)}`);
        return `${world.table}: ${String(error)}`;
      });
      say(await told);
      await rest(draws.below(500));
    }
  };
  const trouble = async (all: readonly Trouble[], draws: Draws, idle: number): Promise<void> => {
    let deck: Trouble[] = [];
    while (part() < 1) {
      // Deadly ones come first: they have less time.
      if (deck.length === 0) deck = shuffled(all, draws).sort((a, b) => Number(a.deadly) - Number(b.deadly));
      const next = deck.pop();
      if (next === undefined || (next.deadly && !isDeadly())) continue;
      say(next.name);
      await next.make().then(
        () => {
          made[next.name] = (made[next.name] ?? 0) + 1;
        },
        (error: unknown) => problems.push(`${next.name}: ${String(error)}`),
      );
      await rest(idle / 2 + draws.below(idle));
    }
  };
  const meter = async (): Promise<void> => {
    while (part() < 1) {
      usages.push(await measure(flow.pool, flow.slot, daemons.pid));
      await rest(1_000);
    }
  };
  const endLate = worlds.map((world) => world.landLate());
  const scene = (number: number) => ({ flow, worlds, draws: createDraws(seed * 16 + number) });
  const [forgetful, owners, operators] = [scene(11), scene(13), scene(14)];
  const snapshot = Math.min(60_000, milliseconds / 3);
  await Promise.all([
    people(createDraws(seed * 16 + 15)),
    trouble(daemonTroubles(operators, daemons), operators.draws, 3_000),
    trouble(tableTroubles(owners), owners.draws, 3_000),
    trouble([snapshotTrouble(forgetful, snapshot)], forgetful.draws, snapshot),
    meter(),
  ]);

  say('calm');
  for (const end of endLate) end();
  for (const world of worlds) await world.calm();
  // Work is under way when the last one stops; the next one must find all of it.
  await daemons.stop();
  await daemons.begin();
  const quiet = (): Promise<unknown> =>
    waitFor(async () => !(await resumeStopped(flow, names)) && flow.settled().then(() => true), {
      within: SETTLES_WITHIN,
    });
  // Deletions in apps are found by sweeps.
  let deletionsFound = false;
  const finish = async (): Promise<void> => {
    await quiet();
    for (const name of names) await ended(flow.pool, await sync(flow.pool, 'sweep', '', name), name);
    await quiet();
    deletionsFound = true;
  };
  await finish().catch((error: unknown) => problems.push(`work that does not end: ${String(error)}`));
  const tallies = [];
  for (const world of worlds) {
    let found: string[] = [];
    await waitFor(
      async () => {
        found = violations(await world.history(), { deletionsFound });
        return found.length === 0;
      },
      { within: 40_000 },
    ).catch(() => undefined);
    const history = await world.history();
    const faults = world.sides.flatMap((side) => side.failures());
    tallies.push(tally(world.table, history, found, faults, daemons.kills));
    if (found.length > 0) trace.push(`== ${world.table}`, ...found, ...tell(history), ...(await world.links()));
  }
  await daemons.stop();
  const run: Run = {
    seed,
    minutes,
    began: new Date(began).toISOString(),
    load: [...loads, loadavg()[0] ?? 0],
    tallies,
    troubles: made,
    kills: daemons.kills.length,
    stops: daemons.stops,
    growths: growths(usages),
    problems: [...problems, ...daemons.died],
  };
  const report = render(run);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/report.txt`, `${report}\n`);
  writeFileSync(`${folder}/report.json`, JSON.stringify({ ...judge(run), ...run }));
  writeFileSync(`${folder}/trace.txt`, trace.join('\n'));
  writeFileSync(`${folder}/daemons.txt`, daemons.logs());
  expect(judge(run).verdict).toBe('passed');
});

function shuffled<Item>(items: readonly Item[], { below }: Draws): Item[] {
  const left = [...items];
  return items.flatMap(() => left.splice(below(left.length), 1));
}
