import type pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, type Fields, type Mapping, useEngine, waitsForLock } from '../../support/engine.ts';
import { waitFor } from '../../support/wait-for.ts';

const database = useDatabase();
let engine: Engine;
let second: pg.Client;
beforeAll(async () => {
  engine = await useEngine(database);
  second = await database.client('tideway_daemon');
});

const table = 'id integer primary key, name text, qty integer';
const shadowed = (direction: 'push' | 'pull' | 'both', options: Fields = {}) =>
  engine.aMapping({ table, direction, options: { shadow: true, ...options } });
const startRun = async (map: Mapping, kind: string) =>
  (await engine.one<{ id: string }>(`select tideway_private.start_run($1, $2) as id`, [map.number, kind])).id;
const changes = async (map: Mapping, kind: string) =>
  (
    await engine.all<{ changes: Fields[] | null }>(
      `select changes from tideway.sync_runs where mapping_id = $1 and kind = $2 and dry_run order by created_at`,
      [map.id, kind],
    )
  ).flatMap((run) => run.changes ?? []);
const promote = async (map: Mapping) => {
  await database.pool.query(`select tideway.promote($1)`, [map.name]);
  return map.takeRequests();
};

test('what a mapping in shadow records as sent is what it sends once it is promoted', async () => {
  const map = await shadowed('push');
  await engine.owner.query(`insert into ${map.table} values (1, 'Ann', 3), (2, null, 0)`);
  await map.mark(['1', '2', '9']);
  expect(await map.claim()).toBe(null);
  expect(await map.outbox()).toEqual([]);
  expect(await map.links()).toEqual([]);
  const recorded = await changes(map, 'push');
  expect(recorded).toEqual([
    {
      op: 'create',
      key: '1',
      remote_id: null,
      fields: { Id: { from: null, to: 1 }, Name: { from: null, to: 'Ann' }, Qty: { from: null, to: 3 } },
    },
    {
      op: 'create',
      key: '2',
      remote_id: null,
      fields: { Id: { from: null, to: 2 }, Name: { from: null, to: null }, Qty: { from: null, to: 0 } },
    },
  ]);

  expect(await promote(map)).toMatchObject([{ kind: 'compare' }]);
  await engine.daemon.query(
    `select tideway_private.mark_keys($1, keys) from tideway_private.compare_range($1, $2, null, 1000)`,
    [map.number, map.epoch],
  );
  const sent = await map.push();
  expect(sent.map((item) => ({ op: item.op, key: item.local_key, payload: item.payload }))).toEqual(
    recorded.map((change) => ({
      op: change['op'],
      key: change['key'],
      payload: Object.fromEntries(
        Object.entries(change['fields'] as Record<string, { to: unknown }>).map(([name, { to }]) => [name, to]),
      ),
    })),
  );
});

test('a mapping that was live and goes into shadow records updates and deletes, and sends none', async () => {
  const map = await engine.aMapping({ table, direction: 'push' });
  await engine.owner.query(`insert into ${map.table} values (1, 'Ann', 3), (2, 'Bob', 4)`);
  await map.mark(['1', '2']);
  await map.push();
  await engine.daemon.query(`update tideway.mappings set shadow = true where number = $1`, [map.number]);
  await engine.owner.query(`update ${map.table} set qty = 5 where id = 1`);
  await engine.owner.query(`delete from ${map.table} where id = 2`);
  await map.mark(['1', '2']);
  const before = await map.links();
  expect(await map.claim()).toBe(null);
  expect(await changes(map, 'push')).toEqual([
    { op: 'update', key: '1', remote_id: 'r1', fields: { Qty: { from: 3, to: 5 } } },
    { op: 'delete', key: '2', remote_id: 'r2', fields: null },
  ]);
  expect(await map.links()).toEqual(before);
  expect(await map.deletions()).toEqual([]);
});

test('a page read in shadow is recorded, not written, and read again after promote', async () => {
  const map = await shadowed('pull');
  const run = await startRun(map, 'pull');
  const page = [{ id: 'r1', fields: { Id: 1, Name: 'Ann', Qty: 3 } }];
  await map.page(page, { run, cursor: { at: 1 }, complete: true });
  expect(await map.rows()).toEqual([]);
  expect(await changes(map, 'pull')).toMatchObject([{ op: 'create', key: '1', remote_id: 'r1' }]);
  const cursors = () => engine.all(`select cursor from tideway_private.cursors where mapping = $1`, [map.number]);
  expect(await cursors()).toEqual([{ cursor: { at: 1 } }]);

  await promote(map);
  expect(await cursors()).toEqual([]);
  expect(
    await engine.one(`select first_read_at, shadow from tideway.mappings where number = $1`, [map.number]),
  ).toEqual({ first_read_at: null, shadow: false });
  await map.page(page, { run: await startRun(map, 'pull'), cursor: { at: 1 }, complete: true });
  expect(await map.rows()).toEqual([{ id: 1, name: 'Ann', qty: 3 }]);
});

test('a run that began in shadow ends as a dry run, although its mapping was promoted meanwhile', async () => {
  const map = await shadowed('pull');
  const run = await startRun(map, 'pull');
  await map.page([{ id: 'r1', fields: { Id: 1 } }], { run, cursor: { at: 1 } });
  await promote(map);
  await map.page([{ id: 'r2', fields: { Id: 2 } }], { run, cursor: { at: 2 }, complete: true });
  expect(await map.rows()).toEqual([]);
  expect(await engine.all(`select from tideway_private.cursors where mapping = $1`, [map.number])).toEqual([]);
});

test('a page that waits while its mapping is promoted moves no cursor', async () => {
  const map = await shadowed('pull');
  const run = await startRun(map, 'pull');
  await database.pool.query(`select tideway.promote($1)`, [map.name]);
  await second.query('begin');
  await second.query(`select from tideway_private.take_requests($1, $2)`, [map.connection, map.epoch]);
  const page = map.page([{ id: 'r1', fields: { Id: 1 } }], { run, cursor: { at: 1 }, complete: true });
  await waitFor(() => waitsForLock(engine, engine.daemon));
  await second.query('commit');
  await page;
  expect(await engine.all(`select from tideway_private.cursors where mapping = $1`, [map.number])).toEqual([]);
});

test('records found gone in shadow are recorded; their rows stay', async () => {
  const map = await engine.aMapping({ table, direction: 'pull' });
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'Ann', Qty: 3 } }]);
  await engine.daemon.query(`update tideway.mappings set shadow = true where number = $1`, [map.number]);
  await map.deleteRecords(['r1'], { run: await startRun(map, 'sweep') });
  expect(await map.rows()).toEqual([{ id: 1, name: 'Ann', qty: 3 }]);
  expect(await changes(map, 'sweep')).toEqual([{ op: 'delete', key: '1', remote_id: 'r1' }]);
  expect(await map.deletions()).toEqual([]);
});
