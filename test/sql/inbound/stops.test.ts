import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

const table = 'id integer primary key, name text, other text';
const records = [
  { id: 'r1', fields: { Id: 1, Name: 'one', Other: 'x' } },
  { id: 'r2', fields: { Id: 2, Name: 'two', Other: 'y' } },
];

const stopped = async (breaks: string, code: string) => {
  const map = await engine.aMapping({ table });
  const other = await engine.aMapping({ table });
  await map.page(records);
  await other.page(records);
  await engine.pool.query(breaks.replaceAll('{table}', map.table).replaceAll('{owner}', engine.ownerRole));
  await map.mark(['1', '2']);
  expect(await map.push()).toEqual([]);
  expect(await map.state()).toMatchObject({ state: 'paused', paused_code: code });
  expect(await map.deletions()).toEqual([]);
  expect(await map.page([{ id: 'r1', fields: { Id: 1, Name: 'new', Other: 'x' } }], {})).toMatchObject({
    stopped: { code },
  });
  expect((await map.links()).every((link) => !link.local_gone && link.sent === null)).toBe(true);
  await engine.owner.query(`update ${other.table} set name = 'still running' where id = 1`);
  await other.mark(['1']);
  expect(await other.push()).toHaveLength(1);
  expect(await map.waiting()).toHaveLength(2);
  return map;
};

test('row-level security that hides rows stops the mapping and deletes nothing in the app', async () => {
  const map = await stopped(
    'alter table {table} enable row level security; alter table {table} force row level security',
    'ROWS_HIDDEN',
  );
  expect((await map.state()).paused_reason).toMatch(/row-level security.*tideway\.resume/is);
});

test('a mapped column that changed its type stops this mapping only', async () => {
  await stopped('alter table {table} alter column name type varchar(10)', 'SHAPE_CHANGED');
});

test('a mapped column that was dropped or renamed stops this mapping only', async () => {
  await stopped('alter table {table} drop column name', 'SHAPE_CHANGED');
  await stopped('alter table {table} rename column name to title', 'SHAPE_CHANGED');
});

test('a table that was dropped stops this mapping only', async () => {
  await stopped('drop table {table}', 'TABLE_MISSING');
});

test('a key that is not NOT NULL any more stops this mapping only', async () => {
  const map = await engine.aMapping({ table });
  await map.page(records);
  const { name } = await engine.one<{ name: string }>(
    `select conname as name from pg_constraint where conrelid = $1::regclass and contype = 'p'`,
    [map.table],
    engine.owner,
  );
  await engine.owner.query(
    `alter table ${map.table} drop constraint ${name}; alter table ${map.table} alter column id drop not null`,
  );
  await map.mark(['1']);
  expect(await map.push()).toEqual([]);
  expect(await map.state()).toMatchObject({ paused_code: 'SHAPE_CHANGED' });
});

test('a column that the mapping does not use may change as it likes', async () => {
  const map = await engine.aMapping({ table, columns: ['id', 'name'] });
  await map.page(records);
  await engine.owner.query(
    `alter table ${map.table} drop column other; alter table ${map.table} add column more integer`,
  );
  expect(await map.page([{ id: 'r1', fields: { Id: 1, Name: 'new' } }])).toMatchObject({ updated: 1 });
});

test('after the mend a stopped mapping goes on, and every row is compared', async () => {
  const map = await engine.aMapping({ table });
  await map.page(records);
  await engine.owner.query(`alter table ${map.table} alter column name type varchar(10)`);
  await map.mark(['1']);
  await map.push();
  await engine.owner.query(
    `alter table ${map.table} alter column name type text; update ${map.table} set name = 'edited meanwhile' where id = 2`,
  );
  await engine.pool.query('select tideway.resume($1)', [map.name]);
  expect((await map.takeRequests()).map((request) => request.kind)).toEqual(['compare']);
  await engine.daemon.query(`update tideway.mappings set state = 'active' where number = $1`, [map.number]);
  const { keys } = await engine.one<{ keys: string[] }>('select keys from tideway_private.compare_range($1, $2)', [
    map.number,
    map.epoch,
  ]);
  await engine.daemon.query('select tideway_private.mark_keys($1, $2)', [map.number, keys]);
  await map.dueNow();
  expect((await map.push()).map((item) => item.payload)).toEqual([{ Name: 'edited meanwhile' }]);
});

test('a role that may not write any more costs rows, with the right that is missing, and no page', async () => {
  const map = await engine.aMapping({ table, direction: 'pull' });
  await map.page(records);
  await engine.owner.query(`revoke update on ${map.table} from ${engine.ownerRole}`);
  const page = await map.page([{ id: 'r1', fields: { Id: 1, Name: 'new', Other: 'x' } }]);
  expect(page.stopped?.code ?? (await map.errors()).map((error) => error.code).join()).toMatch(/PERMISSION_DENIED/);
});

test('a paused mapping claims nothing, a paused connection neither', async () => {
  const map = await engine.aMapping({ table });
  await map.page(records);
  await engine.owner.query(`update ${map.table} set name = 'e'`);
  await map.mark(['1']);
  await engine.pool.query('select tideway.pause($1)', [map.name]);
  expect(await map.claim()).toBe(null);
  await engine.pool.query('select tideway.resume($1)', [map.name]);
  await engine.daemon.query(`update tideway.mappings set state = 'active' where number = $1`, [map.number]);
  await engine.pool.query('select tideway.pause_connection($1)', [`account of ${map.name}`]);
  expect(await map.claim()).toBe(null);
  await engine.pool.query('select tideway.resume_connection($1)', [`account of ${map.name}`]);
  expect(await map.claim()).not.toBe(null);
});
