import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, type Mapping, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

const columns = (...names: string[]) =>
  JSON.stringify(names.map((local) => ({ local, remote: local.charAt(0).toUpperCase() + local.slice(1) })));

/** A row in step, and then a column of it that is mapped only now. */
const widened = async (): Promise<Mapping> => {
  const map = await engine.aMapping({ table: 'id integer primary key, v integer, w integer', columns: ['id', 'v'] });
  await map.page([{ id: 'r1', fields: { Id: 1, V: 0 } }]);
  await engine.owner.query(`update ${map.table} set w = 7`);
  await engine.pool.query(`select tideway.map($1, $2, $3, $4, $5::jsonb)`, [
    map.name,
    `account of ${map.name}`,
    `Remote ${map.name}`,
    map.table,
    columns('id', 'v', 'w'),
  ]);
  await engine.pool.query(`update tideway.mappings set state = 'active' where number = $1`, [map.number]);
  await map.mark(['1']);
  return map;
};

/** The first complete read since the column is mapped. */
const readAll = async (map: Mapping, w: number | null) => {
  await map.page([{ id: 'r1', fields: { Id: 1, V: 0, W: w } }], { run: await map.aRun('full'), complete: true });
  await map.takeRequests();
  await map.dueNow();
};

test('what the app holds in a column that is mapped later is not overwritten unseen', async () => {
  const map = await widened();
  expect(await map.push()).toEqual([]);
  expect(await map.waiting()).toMatchObject([{ local_key: '1', reason: 'dependency' }]);
  await readAll(map, 5);
  expect(await map.push()).toEqual([]);
  expect(await map.row(1)).toMatchObject({ w: 7 });
  expect(await map.conflicts()).toMatchObject([{ kind: 'insert_exists', resolution: null }]);
});

test('where the app holds nothing in it, the row’s value goes out once everything was read', async () => {
  const map = await widened();
  expect(await map.push()).toEqual([]);
  await readAll(map, null);
  expect((await map.push()).map((item) => item.payload)).toEqual([{ W: 7 }]);
});

test('a read that began before the column was mapped is not that read', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, v integer, w integer', columns: ['id', 'v'] });
  const { generation } = await engine.one<{ generation: number }>(
    'select generation from tideway.mappings where number = $1',
    [map.number],
  );
  const run = await map.aRun('full');
  await engine.pool.query(
    `update tideway.sync_runs set metadata = jsonb_build_object('generation', $2::int) where id = $1`,
    [run, generation - 1],
  );
  await engine.pool.query(`update tideway.mappings set first_read_at = null where number = $1`, [map.number]);
  await map.page([], { run, complete: true });
  const read = () =>
    engine.one('select first_read_at is not null as read from tideway.mappings where number = $1', [map.number]);
  expect(await read()).toEqual({ read: false });
  await map.page([], { run: await map.aRun('full'), complete: true });
  expect(await read()).toEqual({ read: true });
});
