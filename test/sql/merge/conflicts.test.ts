import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

const linked = async (
  column: Record<string, string | number>,
  type = 'text',
  value: string | number = 'old',
  options = {},
) => {
  const map = await engine.aMapping({
    table: `id integer primary key, v ${type}, w text, at timestamptz`,
    columns: ['id', { local: 'v', ...column }, 'w', { local: 'at', type: 'date-time', conflict: 'remote' }],
    options,
  });
  await map.page([{ id: 'r1', fields: { Id: 1, V: value, W: 'w', At: '2026-01-01T00:00:00Z' } }]);
  const resolve = async (choice: string, given?: unknown) => {
    const [conflict] = await map.conflicts(true);
    await engine.pool.query('select tideway.resolve_conflict($1, $2, $3::jsonb)', [
      conflict?.id,
      choice,
      given === undefined ? null : JSON.stringify(given),
    ]);
    await map.takeRequests();
  };
  return { map, resolve };
};

test.each([
  ['remote', 'theirs', 'remote', undefined],
  ['local', 'mine', 'local', 'mine'],
])(
  'a field changed on both sides under %s ends as %j on both, and is recorded',
  async (policy, winner, resolution, sent) => {
    const { map } = await linked({ conflict: policy });
    await engine.owner.query(`update ${map.table} set v = 'mine'`);
    await map.page([{ id: 'r1', fields: { Id: 1, V: 'theirs', W: 'w' } }]);
    expect(await map.row(1)).toMatchObject({ v: winner });
    expect(await map.conflicts()).toEqual([
      expect.objectContaining({
        column: 'v',
        kind: 'update_origin_differs',
        old_value: 'old',
        local_value: 'mine',
        remote_value: 'theirs',
        resolution,
      }),
    ]);
    await map.takeRequests();
    await map.mark(['1']);
    expect((await map.push())[0]?.payload.V).toBe(sent);
    expect(await map.page([{ id: 'r1', fields: { Id: 1, V: winner, W: 'w' } }])).toMatchObject({
      updated: 0,
      conflicts: 0,
    });
  },
);

test('changes on different fields are both kept', async () => {
  const { map } = await linked({});
  await engine.owner.query(`update ${map.table} set w = 'mine'`);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'theirs', W: 'w' } }]);
  expect(await map.row(1)).toMatchObject({ v: 'theirs', w: 'mine' });
  expect(await map.conflicts()).toEqual([]);
  await map.mark(['1']);
  expect((await map.push()).map((item) => item.payload)).toEqual([{ W: 'mine' }]);
});

test('both sides changed to the same value is no conflict', async () => {
  const { map } = await linked({ conflict: 'manual' });
  await engine.owner.query(`update ${map.table} set v = 'same'`);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'same', W: 'w' } }]);
  expect(await map.conflicts()).toEqual([]);
  await map.mark(['1']);
  expect(await map.push()).toEqual([]);
});

test.each([
  ['2026-02-01T00:00:00Z', 'theirs'],
  ['2026-01-14T00:00:00Z', 'mine'],
  ['2026-01-15T00:00:00Z', 'mine'],
  [undefined, 'theirs'],
])('newest with a record of %s leaves %j', async (modified, winner) => {
  const { map } = await linked({ conflict: 'newest:at' });
  await engine.owner.query(`update ${map.table} set v = 'mine', at = '2026-01-15T00:00:00Z'`);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'theirs', W: 'w' }, ...(modified ? { modified } : {}) }]);
  expect(await map.row(1)).toMatchObject({ v: winner });
});

test.each([
  ['2026-02-01T00:00:00Z', 'theirs'],
  ['2026-01-14T00:00:00Z', 'mine'],
])(
  "newest takes the app's value of the column, here %s, where a record tells no time, and leaves %j",
  async (at, winner) => {
    const { map } = await linked({ conflict: 'newest:at' });
    await engine.owner.query(`update ${map.table} set v = 'mine', at = '2026-01-15T00:00:00Z'`);
    await map.page([{ id: 'r1', fields: { Id: 1, V: 'theirs', W: 'w', At: at } }]);
    expect(await map.row(1)).toMatchObject({ v: winner });
  },
);

test('delta adds up what both sides did, once', async () => {
  const { map } = await linked({ conflict: 'delta', type: 'number' }, 'integer', 10);
  await engine.owner.query(`update ${map.table} set v = v - 3`);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 15, W: 'w' } }]);
  expect(await map.row(1)).toMatchObject({ v: 12 });
  await map.takeRequests();
  await map.mark(['1']);
  expect((await map.push()).map((item) => [item.payload.V, item.expected?.V])).toEqual([[12, 15]]);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 12, W: 'w' } }]);
  expect(await map.row(1)).toMatchObject({ v: 12 });
});

test('an open conflict holds its row only, shows old, mine and theirs, and keeps up with both', async () => {
  const { map } = await linked({ conflict: 'manual' });
  await map.page([{ id: 'r2', fields: { Id: 2, V: 'old', W: 'w' } }]);
  await engine.owner.query(`update ${map.table} set v = 'mine'`);
  await map.mark(['1', '2']);
  const page = await map.page([{ id: 'r1', fields: { Id: 1, V: 'theirs', W: 'new' } }]);
  expect(page).toMatchObject({ held: 1, conflicts: 1 });
  expect(await map.row(1)).toMatchObject({ v: 'mine' });
  expect((await map.push()).map((item) => item.local_key)).toEqual(['2']);
  expect(await map.conflicts(true)).toEqual([
    expect.objectContaining({ old_value: 'old', local_value: 'mine', remote_value: 'theirs' }),
  ]);
  await engine.owner.query(`update ${map.table} set v = 'mine too' where id = 1`);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'theirs too', W: 'new' } }]);
  expect(await map.conflicts(true)).toEqual([
    expect.objectContaining({ old_value: 'old', local_value: 'mine too', remote_value: 'theirs too' }),
  ]);
  expect(await map.push()).toEqual([]);
});

test.each([
  ['remote', undefined, 'theirs', undefined],
  ['local', undefined, 'mine', 'mine'],
  ['value', 'between', 'between', 'between'],
])('resolving a conflict by %s ends it on both sides', async (choice, given, winner, sent) => {
  const { map, resolve } = await linked({ conflict: 'manual' });
  await engine.owner.query(`update ${map.table} set v = 'mine'`);
  await map.mark(['1']);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'theirs', W: 'w' } }]);
  await map.push();
  await resolve(choice, given);
  expect(await map.conflicts(true)).toEqual([]);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'theirs', W: 'w' } }]);
  await map.takeRequests();
  await map.mark(['1']);
  expect(await map.row(1)).toMatchObject({ v: winner });
  expect((await map.push())[0]?.payload.V).toBe(sent);
  expect(await map.page([{ id: 'r1', fields: { Id: 1, V: winner, W: 'w' } }])).toMatchObject({
    updated: 0,
    conflicts: 0,
  });
  expect(await map.conflicts(true)).toEqual([]);
  expect(await map.waiting()).toEqual([]);
});

test('a conflict that is resolved for ours compares with the row as it is by then', async () => {
  const { map, resolve } = await linked({ conflict: 'manual' });
  await engine.owner.query(`update ${map.table} set v = 'mine'`);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'theirs', W: 'w' } }]);
  await engine.owner.query(`update ${map.table} set v = 'mine, later'`);
  await resolve('local');
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'theirs', W: 'w' } }]);
  await map.takeRequests();
  expect((await map.push()).map((item) => item.payload.V)).toEqual(['mine, later']);
});

test('the field of another mapping with higher priority is kept, the loss recorded, and the winner is pushed', async () => {
  const high = await engine.aMapping({ table: 'id integer primary key, v text', options: { priority: 10 } });
  const low = await engine.aMapping({
    table: '',
    of: high.table,
    options: { priority: 1 },
    columns: ['id', { local: 'v', conflict: 'remote' }],
  });
  await high.page([{ id: 'h1', fields: { Id: 1, V: 'high' } }]);
  await low.page([{ id: 'l1', fields: { Id: 1, V: 'low' } }]);
  expect(await high.row(1)).toMatchObject({ v: 'high' });
  expect(await low.conflicts()).toEqual([
    expect.objectContaining({ kind: 'lower_priority', column: 'v', resolution: 'local', remote_value: 'low' }),
  ]);
  await low.takeRequests();
  await low.mark(['1']);
  expect((await low.push()).map((item) => item.payload)).toEqual([{ V: 'high' }]);
  await high.page([{ id: 'h1', fields: { Id: 1, V: 'higher' } }]);
  expect(await high.row(1)).toMatchObject({ v: 'higher' });
  await low.mark(['1']);
  expect((await low.push()).map((item) => item.payload)).toEqual([{ V: 'higher' }]);
});

test("force_overwrite of an operator takes the app's values, whatever the policy", async () => {
  const { map } = await linked({ conflict: 'manual' });
  await engine.owner.query(`update ${map.table} set v = 'mine'`);
  const run = await map.aRun('sweep', { force_overwrite: true });
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'old', W: 'w', At: '2026-01-01T00:00:00Z' } }], { run });
  expect(await map.row(1)).toMatchObject({ v: 'old' });
});

test('an absent field is untouched, and null is null', async () => {
  const { map } = await linked({});
  await map.page([{ id: 'r1', fields: { Id: 1, W: 'new' } }]);
  expect(await map.row(1)).toMatchObject({ v: 'old', w: 'new' });
  await map.page([{ id: 'r1', fields: { Id: 1, V: null, W: 'new' } }]);
  expect(await map.row(1)).toMatchObject({ v: null, w: 'new' });
});

test.each([
  ['remote', 'theirs', undefined],
  ['local', 'mine', 'mine'],
])(
  'a row whose conflict was decided as %s is not pushed before its record was read again',
  async (choice, winner, sent) => {
    const { map, resolve } = await linked({ conflict: 'manual' });
    await engine.owner.query(`update ${map.table} set v = 'mine'`);
    await map.page([{ id: 'r1', fields: { Id: 1, V: 'theirs', W: 'w' } }]);
    await resolve(choice);
    await map.mark(['1']);
    expect(await map.push()).toEqual([]);
    await map.page([{ id: 'r1', fields: { Id: 1, V: 'theirs', W: 'w' } }]);
    expect(await map.row(1)).toMatchObject({ v: winner });
    await map.takeRequests();
    await map.mark(['1']);
    expect((await map.push())[0]?.payload.V).toBe(sent);
  },
);

test('a row that was claimed before its conflict was found is not pushed over it', async () => {
  const { map } = await linked({ conflict: 'manual' });
  await engine.owner.query(`update ${map.table} set v = 'mine'`);
  await map.mark(['1']);
  const batch = await map.claim();
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'theirs', W: 'w' } }]);
  expect(await map.conflicts(true)).toHaveLength(1);
  expect(await map.prepare(batch ?? '')).toEqual([]);
  expect(await map.waiting()).toMatchObject([{ local_key: '1', reason: 'conflict', marked: true }]);
});
