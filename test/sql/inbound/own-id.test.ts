import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

const records = [
  { id: 'r1', fields: { Id: 1, Name: 'one' } },
  { id: 'r2', fields: { Id: 2, Name: 'two' } },
];

test.each(['$rowID', '$id'])('%s is the id that the app gives a record, whatever the app calls it', async (remote) => {
  const map = await engine.aMapping({
    table: 'id integer primary key, name text, theirs text',
    columns: ['id', 'name', { local: 'theirs', remote, type: 'string' }],
    direction: 'both',
  });
  await map.page(records);
  expect(await map.rows()).toEqual([
    { id: 1, name: 'one', theirs: 'r1' },
    { id: 2, name: 'two', theirs: 'r2' },
  ]);
  expect(await map.page(records)).toMatchObject({ unchanged: 2, updated: 0 });
  await map.page([{ id: 'r2', fields: { Id: 2, Name: 'zwei' } }]);
  expect(await map.row(2)).toEqual({ id: 2, name: 'zwei', theirs: 'r2' });
});

test('a table may be keyed by the id of the app', async () => {
  const map = await engine.aMapping({
    table: 'theirs text primary key, name text',
    columns: [
      { local: 'theirs', remote: '$id', type: 'string' },
      { local: 'name', remote: 'Name', type: 'string' },
    ],
    direction: 'pull',
  });
  await map.page(records);
  expect(await map.rows()).toEqual([
    { theirs: 'r1', name: 'one' },
    { theirs: 'r2', name: 'two' },
  ]);
});
