import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, type Outcome, type PushItem, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

const linked = async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, v integer' });
  await map.page([{ id: 'r1', fields: { Id: 1, V: 0 }, version: '7' }]);
  const change = async (v: number) => {
    await engine.owner.query(`update ${map.table} set v = $1 where id = 1`, [v]);
    await map.mark(['1']);
  };
  return { map, change };
};
const written =
  (version?: string) =>
  (item: PushItem): Outcome => ({
    result: 'written',
    remote_id: item.remote_id ?? '',
    shown: item.payload,
    ...(version === undefined ? {} : { version }),
  });
const versions = (items: readonly PushItem[]) => items.map((item) => item.version);

test('a write says which version the record must still be: the last that a read or an answer showed', async () => {
  const { map, change } = await linked();
  await change(1);
  expect(versions(await map.push(written('8')))).toEqual(['7']);
  await change(2);
  expect(versions(await map.push(written()))).toEqual(['8']);
  // An answer without a version leaves it unknown: nothing is demanded then.
  await change(3);
  expect(versions(await map.push(written('10')))).toEqual([null]);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 4 }, version: '11' }]);
  await engine.owner.query(`delete from ${map.table} where id = 1`);
  await map.mark(['1'], { op: 2 });
  expect((await map.push()).map(({ op, version }) => ({ op, version }))).toEqual([{ op: 'delete', version: '11' }]);
});

test('a first load keeps the versions too', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, v integer' });
  await map.page([1, 2, 3].map((n) => ({ id: `r${String(n)}`, fields: { Id: n, V: 0 }, version: `v${String(n)}` })));
  await engine.owner.query(`update ${map.table} set v = 1`);
  await map.mark(['1', '2', '3']);
  expect(versions(await map.push())).toEqual(['v1', 'v2', 'v3']);
});

test('a write that meets another version reads the record again, and demands the new one', async () => {
  const { map, change } = await linked();
  await change(1);
  await map.push(() => ({ result: 'conflict' }));
  expect(await map.rereads()).toEqual([{ remote_id: 'r1', reason: 'conflict', compare: true }]);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 0 }, version: '9' }]);
  await map.dueNow();
  expect(versions(await map.push())).toEqual(['9']);
  expect(await map.errors()).toEqual([]);
});

test('until the record was read again no second write is tried, and the read does not move away', async () => {
  const { map, change } = await linked();
  await change(1);
  await map.push(() => ({ result: 'conflict' }));
  for (let times = 0; times < 5; times += 1) {
    await map.dueNow();
    expect(await map.push()).toEqual([]);
  }
  const { rows } = await database.pool.query<{ soon: boolean }>(
    `select due_at <= clock_timestamp() + interval '1 s' as soon from tideway_private.rereads`,
  );
  expect(rows).toEqual([{ soon: true }]);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 0 }, version: '9' }]);
  await map.dueNow();
  expect(versions(await map.push())).toEqual(['9']);
});

test('a write without an answer is tried again against the version that was read since', async () => {
  const { map, change } = await linked();
  await change(1);
  await map.push(() => ({ result: 'uncertain', class: 'NETWORK_ERROR', code: 'CONNECTION_LOST', message: 'lost' }));
  await map.readBack([{ id: 'r1', fields: { Id: 1, V: 0 }, version: '8' }]);
  expect(versions(await map.push())).toEqual(['8']);
});

test('an app that queues its writes gets the next write of a row only once the last can be seen', async () => {
  const { map, change } = await linked();
  const late = { visibleAfter: '1 hour' };
  await change(1);
  expect(await map.push(written(), late)).toHaveLength(1);
  await change(2);
  expect(await map.push(written(), late)).toEqual([]);
  expect(await map.waiting()).toMatchObject([{ local_key: '1', reason: 'retry', due: true, attempts_started: 0 }]);
  await map.lifetimesOver();
  await map.dueNow();
  expect((await map.push(written(), late)).map((item) => item.payload)).toEqual([{ V: 2 }]);
});

test.each<[string, PushItem['op'], boolean]>([
  ['a change', 'update', true],
  ['a create', 'create', false],
])('after %s that was answered without a version nothing goes over what a person wrote since', async (_, op, there) => {
  const map = await engine.aMapping({ table: 'id integer primary key, v integer, w integer' });
  const silent = (item: PushItem): Outcome => ({ result: 'written', remote_id: item.remote_id ?? 'r1' });
  const compares = { compares: true };
  if (there) await map.page([{ id: 'r1', fields: { Id: 1, V: 0, W: 0 }, version: '7' }]);
  const set = async (sql: string) => {
    await engine.owner.query(sql.replace('{table}', map.table));
    await map.mark(['1']);
  };
  await set(there ? 'update {table} set v = 1' : 'insert into {table} values (1, 1, 0)');
  expect((await map.push(silent, compares)).map((item) => item.op)).toEqual([op]);

  // A person changes W in the app; nobody has read that when the row changes here.
  await set('update {table} set v = 2');
  expect(await map.push(silent, compares)).toEqual([]);
  expect(await map.rereads()).toEqual([{ remote_id: 'r1', reason: 'found', compare: true }]);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 1, W: 5 }, version: '9' }]);
  await map.dueNow();
  expect((await map.push(silent, compares)).map(({ payload, version }) => ({ payload, version }))).toEqual([
    { payload: { V: 2 }, version: '9' },
  ]);
  expect(await map.row(1)).toEqual({ id: 1, v: 2, w: 5 });
  expect(await map.waiting()).toEqual([]);
});

test('where rows only go out, or the app compares nothing, the next write waits for no read', async () => {
  for (const [direction, compares] of [
    ['push', true],
    ['both', false],
  ] as const) {
    const map = await engine.aMapping({ table: 'id integer primary key, v integer', direction });
    const silent = (item: PushItem): Outcome => ({ result: 'written', remote_id: item.remote_id ?? 'r1' });
    await engine.owner.query(`insert into ${map.table} values (1, 1)`);
    await map.mark(['1']);
    await map.push(silent, { compares });
    await engine.owner.query(`update ${map.table} set v = 2`);
    await map.mark(['1']);
    expect((await map.push(silent, { compares })).map((item) => item.op)).toEqual(['update']);
  }
});

test('a read without a version ends the wait too', async () => {
  const { map, change } = await linked();
  const compares = { compares: true };
  await change(1);
  await map.push((item) => ({ result: 'written', remote_id: item.remote_id ?? '' }), compares);
  await change(2);
  expect(await map.push(undefined, compares)).toEqual([]);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 0 } }]);
  await map.takeRequests();
  await map.dueNow();
  expect((await map.push(undefined, compares)).map(({ payload, version }) => ({ payload, version }))).toEqual([
    { payload: { V: 2 }, version: null },
  ]);
});
