import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { anApp, type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

let tables = 0;
const partitioned = async (options: Record<string, string> = {}) => {
  tables += 1;
  const table = `shop.orders${String(tables)}`;
  await engine.owner.query(`
    create table ${table} (id integer primary key, name text) partition by range (id);
    create table ${table}_old partition of ${table} for values from (0) to (100);
    create table ${table}_new partition of ${table} for values from (100) to (200)`);
  const map = await engine.aMapping({ of: table, table: '', options });
  const app = anApp();
  await engine.owner.query(`insert into ${map.table} values (1, 'old'), (101, 'new')`);
  await map.mark(['1', '101']);
  expect(await map.push(app.write)).toHaveLength(2);
  return { map, app };
};

test('detaching a partition deletes nothing in the app; a row deleted by hand beside it is deleted', async () => {
  const { map, app } = await partitioned();
  await engine.owner.query(
    `alter table ${map.table} detach partition ${map.table}_old; delete from ${map.table} where id = 101`,
  );
  await map.mark(['1'], { op: 4 });
  await map.mark(['101'], { op: 2 });
  expect((await map.push(app.write)).map((item) => [item.op, item.local_key])).toEqual([['delete', '101']]);
});

test('with on_detach delete the rows of a detached partition are deleted in the app', async () => {
  const { map, app } = await partitioned({ on_detach: 'delete' });
  await engine.owner.query(`alter table ${map.table} detach partition ${map.table}_old`);
  await map.mark(['1'], { op: 4 });
  expect((await map.push(app.write)).map((item) => item.op)).toEqual(['delete']);
});

const detached = async (table: string) => engine.owner.query(`alter table ${table} detach partition ${table}_old`);
const attached = async (table: string) =>
  engine.owner.query(`alter table ${table} attach partition ${table}_old for values from (0) to (100)`);
const edited = async (table: string) => engine.owner.query(`update ${table} set name = 'mine' where id = 1`);

test.each(['before', 'after'])(
  'a row that was edited, and detached %s its record was found gone, is kept when it is back, and the conflict is recorded',
  async (order) => {
    const { map } = await partitioned();
    await edited(map.table);
    await detached(map.table);
    if (order === 'before') {
      await map.mark(['1']);
      expect(await map.push()).toEqual([]);
    }
    expect(await map.deleteRecords(['r1'])).toMatchObject({ done: 0, held: 0 });
    await map.mark(['1'], { op: 4 });
    expect(await map.push()).toEqual([]);
    expect((await map.links())[0]).toMatchObject({ local_gone: false, remote_gone: true });

    await attached(map.table);
    await map.mark(['1'], { op: 4 });
    expect(await map.push()).toEqual([]);
    expect(await map.rereads()).toMatchObject([{ remote_id: 'r1', reason: 'conflict' }]);
    await map.deleteRecords(['r1']);
    await map.dueNow();
    expect(await map.push()).toEqual([]);
    expect(await map.rows()).toMatchObject([{ id: 1, name: 'mine' }, { id: 101 }]);
    expect(await map.conflicts()).toMatchObject([{ kind: 'delete_origin_differs', resolution: 'local' }]);
    expect((await map.links())[0]).toMatchObject({ local_gone: false, remote_gone: true });
  },
);

test('a row that nobody edited goes like its record once its partition is back', async () => {
  const { map } = await partitioned();
  await detached(map.table);
  await map.deleteRecords(['r1']);
  await attached(map.table);
  await map.mark(['1'], { op: 4 });
  expect(await map.push()).toEqual([]);
  await map.deleteRecords(['r1']);
  expect(await map.rows()).toMatchObject([{ id: 101 }]);
  await map.mark(['1'], { op: 2 });
  expect(await map.push()).toEqual([]);
  expect(await map.conflicts()).toEqual([]);
});

test('a record that stands again when its row is back gets what was edited here', async () => {
  const { map } = await partitioned();
  await edited(map.table);
  await detached(map.table);
  await map.deleteRecords(['r1']);
  await attached(map.table);
  await map.mark(['1'], { op: 4 });
  expect(await map.push()).toEqual([]);
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'old' } }]);
  await map.dueNow();
  expect((await map.push()).map(({ op, payload }) => [op, payload])).toEqual([['update', { Name: 'mine' }]]);
});

test('a row that was kept without its record gets none because its partition was away', async () => {
  const { map } = await partitioned();
  await edited(map.table);
  await map.deleteRecords(['r1']);
  await detached(map.table);
  await map.mark(['1'], { op: 4 });
  expect(await map.push()).toEqual([]);
  await attached(map.table);
  await map.mark(['1'], { op: 4 });
  expect(await map.push()).toEqual([]);
  await map.deleteRecords(['r1']);
  await map.dueNow();
  expect(await map.push()).toEqual([]);
  expect(await map.rows()).toHaveLength(2);
});

test('a row whose partition was dropped with it is a new life when its key is inserted again', async () => {
  const { map } = await partitioned();
  await detached(map.table);
  await engine.owner.query(`drop table ${map.table}_old`);
  await map.deleteRecords(['r1']);
  await engine.owner.query(`create table ${map.table}_older partition of ${map.table} for values from (0) to (100);
    insert into ${map.table} values (1, 'again')`);
  await map.mark(['1']);
  const made = await map.push((item) => ({ result: 'written', remote_id: 'r9', shown: item.payload }));
  expect(made.map(({ op }) => op)).toEqual(['create']);
});

test('a held deletion that somebody approves is sent while a partition is away', async () => {
  const { map } = await partitioned();
  await engine.owner.query(`insert into ${map.table} select n, 'new' from generate_series(110, 139) n`);
  const keys = Array.from({ length: 30 }, (_, n) => String(110 + n));
  await map.mark(keys);
  expect(await map.push()).toHaveLength(30);
  await detached(map.table);
  await engine.owner.query(`delete from ${map.table} where id >= 110`);
  await map.mark(keys, { op: 2 });
  expect(await map.push()).toEqual([]);
  await engine.daemon.query('select tideway_private.carry_out_approval($1, null, $2)', [map.number, 'me']);
  expect((await map.push()).map(({ op }) => op)).toEqual(keys.map(() => 'delete'));
});

test('whoever alters a partitioned table is not met among its partitions, where both would wait for each other', async () => {
  const { map } = await partitioned();
  const daemon = await engine.pool.connect();
  try {
    await engine.owner.query(`begin; alter table ${map.table} add column note text`);
    await daemon.query(`begin; set local lock_timeout = '2s'`);
    const { rows } = await daemon.query<{ partitions: string[] }>(
      `select tideway_private.partitions_of($1)::regclass[]::text[] as partitions`,
      [map.table],
    );
    expect(rows[0]?.partitions).toEqual([`${map.table}_old`, `${map.table}_new`]);
    await daemon.query('rollback');
  } finally {
    await engine.owner.query('rollback');
    daemon.release();
  }
});
