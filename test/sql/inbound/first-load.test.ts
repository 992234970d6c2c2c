import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

const table = `id integer primary key, name text, price numeric(8,2) default 5, tags text[]`;
const record = (id: number, fields = {}) => ({
  id: `r${String(id)}`,
  fields: { Id: id, Name: `n${String(id)}`, Price: '1.50', Tags: ['a'], ...fields },
});

test('records that nobody knows become rows, links and one line of lineage each', async () => {
  const map = await engine.aMapping({ table });
  const page = await map.page([record(1), { id: 'r2', fields: { Id: '2', Name: null } }]);
  expect(page).toMatchObject({ read: 2, candidates: 2, created: 2, updated: 0, failed: 0, unchanged: 0, deferred: 0 });
  expect(await map.rows()).toEqual([
    { id: 1, name: 'n1', price: '1.50', tags: ['a'] },
    { id: 2, name: null, price: '5.00', tags: null },
  ]);
  // What was left out is not in the link; what the app shows in another way is kept beside.
  expect(await map.links()).toEqual([
    expect.objectContaining({
      local_key: '1',
      remote_id: 'r1',
      local_image: { id: 1, name: 'n1', price: 1.5, tags: ['a'] },
      remote_diff: { price: '1.50' },
    }),
    expect.objectContaining({
      local_key: '2',
      remote_id: 'r2',
      local_image: { id: 2, name: null },
      remote_diff: { id: '2' },
    }),
  ]);
  const lineage = await engine.all(
    `select entity_id, field_name, new_value from tideway_private.field_lineage where mapping = $1 order by entity_id`,
    [map.number],
  );
  expect(lineage).toEqual([
    { entity_id: '1', field_name: '*', new_value: { id: 1, name: 'n1', price: 1.5, tags: ['a'] } },
    { entity_id: '2', field_name: '*', new_value: { id: 2, name: null } },
  ]);
  expect(await map.page([record(1), { id: 'r2', fields: { Id: '2', Name: null } }])).toMatchObject({ unchanged: 2 });
});

test('one record that the table refuses keeps none of the others out', async () => {
  const map = await engine.aMapping({ table: `${table}, check (price < 100)` });
  const page = await map.page([record(1), record(2, { Price: 500 }), record(3), record(4, { Price: 'much' })]);
  expect(page).toMatchObject({ created: 3, failed: 1 });
  expect((await map.rows()).map((row) => row.id)).toEqual([1, 3, 4]);
  expect(await map.errors()).toEqual([
    expect.objectContaining({ remote_id: 'r2', code: 'CONSTRAINT_CHECK', column: 'price' }),
    expect.objectContaining({ remote_id: 'r4', column: 'price', severity: 'warning' }),
  ]);
  expect(await map.links()).toHaveLength(3);
});

test('of two new records with one key one becomes the row, whatever else the page holds', async () => {
  const map = await engine.aMapping({ table });
  const twin = { id: 'twin', fields: { Id: 2, Name: 'twin', Price: 1, Tags: [] } };
  expect(await map.page([record(1), record(2), twin, record(3)])).toMatchObject({ created: 3, deferred: 1 });
  expect((await map.rows()).map((row) => row.name)).toEqual(['n1', 'n2', 'n3']);
  expect(await map.errors()).toEqual([expect.objectContaining({ remote_id: 'twin', code: 'DUPLICATE_REMOTE' })]);
});

test('a row that stands is merged, and those around it are inserted', async () => {
  const map = await engine.aMapping({ table });
  await engine.owner.query(`insert into ${map.table} values (2, 'n2', 1.5, '{a}')`);
  expect(await map.page([record(1), record(2), record(3)])).toMatchObject({ created: 2, conflicts: 0, failed: 0 });
  expect(await map.links()).toHaveLength(3);
  expect((await map.rows()).map((row) => row.id)).toEqual([1, 2, 3]);
});

test('a trigger that keeps a row out is told of, and the others are in', async () => {
  const map = await engine.aMapping({
    table,
    prepare: `create function {table}_keep() returns trigger language plpgsql as
                'begin if new.id = 2 then return null; end if; return new; end';
              create trigger keep before insert on {table} for each row execute function {table}_keep()`,
  });
  expect(await map.page([record(1), record(2), record(3)])).toMatchObject({ created: 2, failed: 1 });
  expect(await map.errors()).toEqual([expect.objectContaining({ remote_id: 'r2', code: 'NOT_WRITTEN' })]);
  expect((await map.rows()).map((row) => row.id)).toEqual([1, 3]);
});

test('a trigger that gives rows another key leaves no link to a row that is not there', async () => {
  const map = await engine.aMapping({
    table,
    prepare: `create function {table}_move() returns trigger language plpgsql as 'begin new.id := new.id + 100; return new; end';
              create trigger move before insert on {table} for each row execute function {table}_move()`,
  });
  expect(await map.page([record(1), record(2)])).toMatchObject({ created: 0, failed: 2 });
  expect((await map.errors()).map((error) => error.code)).toEqual(['NOT_WRITTEN', 'NOT_WRITTEN']);
  expect(await map.links()).toEqual([]);
});

test('a deleted record that nobody knows is not loaded', async () => {
  const map = await engine.aMapping({ table });
  expect(await map.page([record(1), { ...record(2), deleted: true }])).toMatchObject({ created: 1 });
  expect((await map.rows()).map((row) => row.id)).toEqual([1]);
});

test('lineage names the app’s table as people do, after a first load as after a change', async () => {
  const map = await engine.aMapping({ table });
  await engine.pool.query(
    `insert into tideway.remote_tables (org_id, connection_id, name, title)
     select org_id, connection_id, remote_table, 'Master Sheet' from tideway.mappings where number = $1`,
    [map.number],
  );
  await map.page([record(1)]);
  await map.page([record(1, { Name: 'other' })]);
  const { rows } = await engine.pool.query(
    `select source_ref, new_value from tideway.field_lineage where entity_type = $1 and field_name = 'name' order by new_value`,
    [map.table.split('.').at(-1)],
  );
  expect(rows).toEqual([
    { source_ref: 'Master Sheet → Name', new_value: 'n1' },
    { source_ref: 'Master Sheet → Name', new_value: 'other' },
  ]);
});
