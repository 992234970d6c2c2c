import { expect } from 'vitest';
import { ended, sync } from '../flow/inbound/sync.ts';
import type { useOutbound } from '../flow/outbound/stage.ts';
import { seed } from '../support/seed.ts';
import { waitFor } from '../support/wait-for.ts';
import type { AppKind } from './apps/app-kind.ts';
import type { Side } from './apps/side.ts';
import { violations } from './checker.ts';
import { createDraws } from './draws.ts';
import { Keeper } from './keeper.ts';
import { tell, World, type WorldOptions } from './world.ts';

type Trouble = (scene: { readonly side: Side; readonly keeper: Keeper }) => Promise<void>;

interface Scenario extends WorldOptions {
  readonly kind: AppKind;
  /** Who empties a value. */
  readonly emptiedBy?: 'table' | 'app';
  readonly trouble: Trouble;
}

/** Writes on both sides while the daemon is in trouble; how often it died of it, and how many requests failed. */
export async function endure(
  flow: ReturnType<typeof useOutbound>,
  { kind, emptiedBy = 'table', trouble, ...options }: Scenario,
): Promise<{ readonly kills: number; readonly failures: number }> {
  const { pool } = flow;
  const world = await World.begin(flow, createDraws(seed), [kind], options);
  const side = world.only;
  const keeper = new Keeper(flow, world.env);
  await keeper.start();
  await pool.query(`insert into public.items values ('1', 'v1', '101'), ('2', 'v2', '102'), ('3', 'v3', '103')`);
  for (const n of ['4', '5', '6']) side.create({ id: n, name: `v${n}`, qty: `10${n}` });
  const rows = ['1', '2', '3', '4', '5', '6'].map((n) => [n, `v${n}`, `10${n}`] as const);
  await world.shows(side, rows, 60_000);
  await world.holds(rows, 60_000);
  await flow.settled(60_000);
  await keeper.kill();

  await pool.query(`insert into public.items values ('7', 'v7', '107'); update public.items set name = 'v8' where id = '1';
                    delete from public.items where id = '2'; update public.items set qty = '109' where id = '4'`);
  if (kind.keysStay !== true) await pool.query(`update public.items set id = '15' where id = '5'`);
  side.create({ id: '10', name: 'v10', qty: '110' });
  side.edit(3, { name: 'v11' });
  side.edit(4, { name: 'v12' });
  side.remove(6);
  if (emptiedBy === 'app') side.edit(1, { qty: 'null' });
  else await pool.query(`update public.items set qty = null where id = '1'`);
  const run = await sync(pool, 'sweep', '', side.name);
  const before = keeper.kills;
  await trouble({ side, keeper });
  const quiet = async (of: string): Promise<void> => {
    await ended(pool, of, side.name);
    await flow.settled(60_000);
  };
  /** A daemon that dies before all is quiet is started again; it may reach its fail point late. */
  const outlive = async (of: string): Promise<void> => {
    if (!(await Promise.race([keeper.death, quiet(of).then(() => false)]))) return;
    await keeper.start();
    await quiet(of);
  };
  await outlive(run);
  // A read that failed tells it in its run; the next one finds what it would have found.
  await outlive(await sync(pool, 'sweep', '', side.name));
  const history = await world.history();
  const found = violations(history, { deletionsFound: true });
  if (found.length > 0) console.error([...tell(history), ...(await world.links())].join('\n'));
  expect(found).toEqual([]);
  // What was emptied is empty on both sides, or the checker would have had nothing to see.
  expect([...history.held.values()].map((held) => held.filter(({ qty }) => qty === 'null').length)).toEqual([1, 1]);
  const kills = keeper.kills - before;
  // A key that was deleted lives again; in some apps the new record has the id of the old one.
  await keeper.kill();
  await keeper.start();
  await pool.query(`insert into public.items values ('2', 'v16', '116')`);
  const again = { id: '2', name: 'v16', qty: '116' };
  const records = (): unknown => side.records().flatMap(({ values }) => (values.id === '2' ? [values] : []));
  await waitFor(() => expect(records()).toEqual([again]), { within: 60_000 });
  await flow.settled(60_000);
  side.edit(2, { name: 'v17' });
  await ended(pool, await sync(pool, 'sweep', '', side.name), side.name);
  const { rows: row } = await pool.query(`select name from public.items where id = '2'`);
  expect(row).toEqual([{ name: 'v17' }]);
  await keeper.kill();
  return { kills, failures: side.failures().length };
}
