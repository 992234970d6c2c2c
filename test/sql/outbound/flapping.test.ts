import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { anApp, type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

test('a row that is carried to and fro again and again is held, its neighbour goes on, and resume_row lets it go', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text' });
  const app = anApp();
  await engine.owner.query(`insert into ${map.table} values (1, 'start'), (2, 'calm')`);
  await map.mark(['1', '2']);
  await map.push(app.write);

  // An automation in the app answers each of our writes, and a trigger here answers each of its writes.
  let sent = 0;
  for (let round = 0; round < 30; round += 1) {
    await map.page([{ id: 'r1', fields: { Id: 1, Name: `theirs ${String(round)}` } }]);
    await engine.owner.query(`update ${map.table} set name = 'ours ${String(round)}' where id = 1`);
    await map.mark(['1']);
    sent += (await map.push(app.write)).length;
  }
  expect(sent).toBe(20);
  expect(await map.conflicts()).toContainEqual(expect.objectContaining({ kind: 'flapping', resolution: null }));

  await engine.owner.query(`update ${map.table} set name = 'still calm' where id = 2`);
  await map.mark(['2']);
  expect(await map.push(app.write)).toHaveLength(1);

  await database.pool.query(
    `update tideway_private.links set rewrites_since = now() - interval '11 min' where local_key = '1'`,
  );
  await database.pool.query(`select tideway.resume_row($1, '1')`, [map.name]);
  await map.takeRequests();
  expect(await map.push(app.write)).toHaveLength(1);
  expect(await map.conflicts()).not.toContainEqual(expect.objectContaining({ kind: 'flapping', resolution: null }));
});

test('explain_mapping prints the statements that the engine runs', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text' });
  const { rows } = await database.pool.query<{ sql: string }>(`select sql from tideway.explain_mapping($1)`, [
    map.name,
  ]);
  const stored = await database.pool.query<{ sql: string }>(
    `select sql from tideway_private.statements where mapping = $1`,
    [map.number],
  );
  expect(rows.map((row) => row.sql).sort()).toEqual(stored.rows.map((row) => row.sql).sort());
  expect(rows.some((row) => row.sql.startsWith(`update ${map.table} as t`))).toBe(true);
});
