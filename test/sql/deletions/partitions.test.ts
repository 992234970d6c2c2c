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
