import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

const ids = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => String(from + n));
const linked = async (
  count: number,
  options: Record<string, string | number> = {},
  direction: 'both' | 'pull' = 'both',
) => {
  const map = await engine.aMapping({
    table: 'id integer primary key, v text, gone timestamptz',
    columns: ['id', 'v'],
    options,
    direction,
  });
  await map.page(ids(1, count).map((n) => ({ id: `r${n}`, fields: { Id: Number(n), V: 'v' } })));
  const goneHere = async (from: number, to: number) => {
    await engine.owner.query(`delete from ${map.table} where id between $1 and $2`, [from, to]);
    await map.mark(ids(from, to), { op: 2 });
    return (await map.push()).map((item) => item.op);
  };
  const goneThere = (from: number, to: number) => map.page(ids(from, to).map((n) => ({ id: `r${n}`, deleted: true })));
  const states = async () => {
    const counts: Record<string, number> = {};
    for (const { state } of await map.deletions()) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  };
  const left = async () => (await map.rows()).length;
  return { map, goneHere, goneThere, states, left };
};

test('a few rows of a small table may go, in both directions', async () => {
  const there = await linked(3);
  expect(await there.goneThere(1, 2)).toMatchObject({ deleted: 2, held: 0 });
  expect(await there.left()).toBe(1);
  const here = await linked(3);
  expect(await here.goneHere(1, 3)).toEqual(['delete', 'delete', 'delete']);
  expect((await here.map.links()).every((link) => link.local_gone && link.remote_gone)).toBe(true);
});

test('many at once are held until somebody approves, in both directions', async () => {
  const there = await linked(40);
  expect(await there.goneThere(1, 30)).toMatchObject({ deleted: 0, held: 30 });
  expect(await there.left()).toBe(40);
  expect(await there.states()).toEqual({ held: 30 });
  await engine.pool
    .query('select tideway.approve_deletions(mapping => $1)', [there.map.name])
    .catch(async () => engine.pool.query('select tideway.approve_deletions($1::uuid)', [there.map.usual]));
  await there.map.takeRequests();
  await there.map.deleteRecords([]);
  expect(await there.left()).toBe(10);

  const here = await linked(40);
  expect(await here.goneHere(1, 30)).toEqual([]);
  expect(await here.states()).toEqual({ held: 30 });
  await engine.daemon.query('select tideway_private.carry_out_approval($1, null, $2)', [here.map.number, 'me']);
  expect((await here.map.push()).length).toBe(30);
  expect(await here.states()).toEqual({ done: 30 });
});

test('many small batches count together', async () => {
  const here = await linked(60);
  const sent: string[] = [];
  for (let n = 1; n <= 30; n += 3) sent.push(...(await here.goneHere(n, n + 2)));
  expect(sent.length).toBeLessThanOrEqual(12);
  expect((await here.states()).held).toBeGreaterThanOrEqual(18);

  const there = await linked(60);
  for (let n = 1; n <= 30; n += 3) await there.goneThere(n, n + 2);
  expect(await there.left()).toBeGreaterThanOrEqual(48);
});

test('the ratio counts links, and what went in the last day stays counted', async () => {
  const { goneThere, left } = await linked(100);
  await goneThere(1, 20);
  expect(await left()).toBe(80);
  await goneThere(21, 22);
  expect(await left()).toBe(80);
});

test('a held row that comes back is withdrawn, and the others may then go', async () => {
  const { map, goneHere, states } = await linked(40);
  expect(await goneHere(1, 12)).toEqual([]);
  await engine.owner.query(`insert into ${map.table} select n, 'v' from generate_series(1, 8) n`);
  await map.mark(ids(1, 8));
  await map.push();
  expect(await states()).toMatchObject({ withdrawn: 8 });
  expect((await map.links()).filter((link) => link.local_gone)).toHaveLength(4);
});

test('a held record that reappears is withdrawn', async () => {
  const { map, goneThere, states } = await linked(40);
  await goneThere(1, 30);
  await map.page(ids(1, 30).map((n) => ({ id: `r${n}`, fields: { Id: Number(n), V: 'v' } })));
  expect(await states()).toEqual({ withdrawn: 30 });
});

test('a held deletion that is approved after the record reappeared deletes nothing', async () => {
  const { map, goneThere, left } = await linked(40);
  await goneThere(1, 30);
  await map.page(ids(1, 30).map((n) => ({ id: `r${n}`, fields: { Id: Number(n), V: 'changed' } })));
  await engine.daemon.query('select tideway_private.carry_out_approval($1, null, $2)', [map.number, 'me']);
  await map.deleteRecords([]);
  expect(await left()).toBe(40);
});

test('rejected deletions are neither carried out nor asked again until something changes', async () => {
  const { map, goneHere, states } = await linked(40);
  await goneHere(1, 30);
  await engine.pool.query(`select tideway.reject_deletions(run) from (select null::uuid as run) x`).catch(() => null);
  await engine.daemon.query(`select tideway_private.ask('reject_deletions', $1, null, '{}', null)`, [map.number]);
  await map.takeRequests();
  expect(await states()).toMatchObject({ withdrawn: 30 });
  expect(await map.push()).toEqual([]);
});

test.each([
  ['ignore', (row: Record<string, unknown> | undefined) => row?.v === 'v' && row.gone === null],
  ['soft_delete:gone', (row: Record<string, unknown> | undefined) => row?.gone !== null],
  ['delete', (row: Record<string, unknown> | undefined) => row === undefined],
])('a record gone in the app under on_remote_delete %s does that to the row, once', async (policy, holds) => {
  const { map, goneThere } = await linked(2, { on_remote_delete: policy });
  await goneThere(1, 1);
  expect(holds(await map.row(1))).toBe(true);
  await goneThere(1, 1);
  expect((await map.links())[0]).toMatchObject({ remote_gone: true });
  await map.mark(['1'], { op: policy === 'delete' ? 2 : 1 });
  expect(await map.push()).toEqual([]);
});

test.each([
  ['ignore', []],
  ['soft_delete:Archived', [{ op: 'update', payload: { Archived: true } }]],
  ['delete', [{ op: 'delete', payload: {} }]],
])('a row gone here under on_local_delete %s sends that, once', async (policy, expected) => {
  const { map } = await linked(2, { on_local_delete: policy });
  await engine.owner.query(`delete from ${map.table} where id = 1`);
  await map.mark(['1'], { op: 2 });
  expect((await map.push()).map(({ op, payload }) => ({ op, payload }))).toEqual(expected);
  await map.mark(['1'], { op: 2 });
  expect(await map.push()).toEqual([]);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'v' } }], { run: await map.aRun('sweep') });
  expect((await map.rows()).map((row) => row.id)).toEqual([2]);
});

test('a record found absent that was touched since the app was asked is not deleted', async () => {
  const { map, left } = await linked(3);
  const asked = await engine.ask();
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'fresh' } }]);
  await map.deleteRecords(['r1', 'r2'], { asked });
  expect(await left()).toBe(2);
  expect(await map.row(1)).toMatchObject({ v: 'fresh' });
});

test('a row that somebody holds is not deleted now, and not forgotten', async () => {
  const { map } = await linked(3);
  const person = await database.client(engine.ownerRole);
  await person.query('begin');
  await person.query(`select from ${map.table} where id = 1 for update`);
  await map.page([{ id: 'r1', deleted: true }]);
  await person.query('rollback');
  expect(await map.row(1)).toBeDefined();
  await map.deleteRecords([]);
  await map.page([{ id: 'r1', deleted: true }]);
  expect(await map.row(1)).toBeUndefined();
});

test('a deletion that the table refuses is an error of its row', async () => {
  const map = await engine.aMapping({
    table: 'id integer primary key, v text',
    prepare:
      'create table {table}_kids (parent integer references {table}); insert into {table} values (1, null), (2, null); insert into {table}_kids values (1)',
  });
  await map.page([
    { id: 'r1', fields: { Id: 1, V: null } },
    { id: 'r2', fields: { Id: 2, V: null } },
  ]);
  const page = await map.page([
    { id: 'r1', deleted: true },
    { id: 'r2', deleted: true },
  ]);
  expect(page).toMatchObject({ deleted: 1 });
  expect((await map.rows()).map((row) => row.id)).toEqual([1]);
  expect(await map.errors()).toEqual([expect.objectContaining({ local_key: '1', code: 'CONSTRAINT_FK' })]);
});
