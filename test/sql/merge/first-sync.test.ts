import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

type Column = Record<string, string | number>;
/** A row and a record that have never met: what the row holds after the first page, and what is sent then. */
const meet = async (
  local: string | null,
  remote: string | null | undefined,
  column: Column = {},
  direction: 'pull' | 'both' = 'both',
) => {
  const map = await engine.aMapping({
    table: 'id integer primary key, v text, at timestamptz',
    columns: ['id', { local: 'v', ...column }, { local: 'at', type: 'date-time' }],
    direction,
  });
  await engine.owner.query(`insert into ${map.table} values (1, $1, '2026-01-02T00:00:00Z')`, [local]);
  await map.page([
    { id: 'r1', fields: remote === undefined ? { Id: 1 } : { Id: 1, V: remote }, modified: '2026-01-01T00:00:00Z' },
  ]);
  await map.takeRequests();
  await map.mark(['1']);
  const [item] = await map.push();
  const conflicts = await map.conflicts();
  return {
    row: (await map.row(1))?.v,
    sent: item?.payload.V,
    conflict: conflicts.filter((c) => c.column === 'v').map((c) => c.resolution ?? 'open')[0],
  };
};

test.each<[string, string | null, string | null | undefined, Column, 'pull' | 'both', object]>([
  ['equal sides are linked', 'a', 'a', {}, 'both', { row: 'a' }],
  ['an empty row is filled', null, 'a', {}, 'both', { row: 'a' }],
  ['an empty record is filled', 'a', null, {}, 'both', { row: 'a', sent: 'a' }],
  ['an absent value is filled, too', 'a', undefined, {}, 'both', { row: 'a', sent: 'a' }],
  ['an empty record leaves the row of a pull alone', 'a', null, {}, 'pull', { row: 'a' }],
  ['two values are a question for a person', 'a', 'b', {}, 'both', { row: 'a', conflict: 'open' }],
  ["two values of a pull are the app's", 'a', 'b', {}, 'pull', { row: 'b', conflict: 'remote' }],
  [
    "two values under remote are the app's, recorded",
    'a',
    'b',
    { conflict: 'remote' },
    'both',
    { row: 'b', conflict: 'remote' },
  ],
  [
    "two values under local are the row's, recorded and sent",
    'a',
    'b',
    { conflict: 'local' },
    'both',
    { row: 'a', sent: 'a', conflict: 'local' },
  ],
  ['two values under manual are a question', 'a', 'b', { conflict: 'manual' }, 'both', { row: 'a', conflict: 'open' }],
  [
    "two values under newest are the later side's",
    'a',
    'b',
    { conflict: 'newest:at' },
    'both',
    { row: 'a', sent: 'a', conflict: 'local' },
  ],
  ['a source of truth overwrites', 'a', 'b', { authority: 'source_of_truth' }, 'both', { row: 'b' }],
  ['a reference never overwrites', 'a', 'b', { authority: 'reference' }, 'both', { row: 'a' }],
  ['a reference is not filled in the app by the row', 'a', 'b', { authority: 'reference' }, 'pull', { row: 'a' }],
])('at first sync %s', async (_, local, remote, column, direction, expected) => {
  const { row, sent, conflict } = await meet(local, remote, column, direction);
  expect({ row, ...(sent === undefined ? {} : { sent }), ...(conflict === undefined ? {} : { conflict }) }).toEqual(
    expected,
  );
});

test('a derived column is neither read nor sent', async () => {
  const map = await engine.aMapping({
    table: 'id integer primary key, v text, w text',
    columns: ['id', { local: 'v', authority: 'derived' }, 'w'],
  });
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'a', W: 'w' } }]);
  expect(await map.row(1)).toEqual({ id: 1, v: null, w: 'w' });
  await engine.owner.query(`update ${map.table} set v = 'mine', w = 'mine'`);
  await map.mark(['1']);
  expect((await map.push()).map((item) => item.payload)).toEqual([{ W: 'mine' }]);
});

test('every mapped field but the derived is written when a row is made, references too, and they stay as they are later', async () => {
  const map = await engine.aMapping({
    table: 'id integer primary key, v text',
    columns: ['id', { local: 'v', authority: 'reference' }],
    direction: 'pull',
  });
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'first' } }]);
  expect(await map.row(1)).toMatchObject({ v: 'first' });
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'second' } }]);
  expect(await map.row(1)).toMatchObject({ v: 'first' });
  expect((await map.links())[0]).toMatchObject({ local_image: { v: 'first' }, remote_diff: { v: 'second' } });
});

test('with source_of_truth in both directions a local edit is reverted by the next read, and recorded', async () => {
  const map = await engine.aMapping({
    table: 'id integer primary key, v text',
    columns: ['id', { local: 'v', authority: 'source_of_truth' }],
  });
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'true' } }]);
  await engine.owner.query(`update ${map.table} set v = 'edited'`);
  await map.mark(['1']);
  expect(await map.push()).toEqual([]);
  expect(await map.rereads()).toEqual([expect.objectContaining({ remote_id: 'r1', compare: true })]);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'true' } }]);
  expect(await map.row(1)).toMatchObject({ v: 'true' });
  expect(await map.conflicts()).toEqual([
    expect.objectContaining({ kind: 'local_edit_reverted', resolution: 'remote' }),
  ]);
});

test('match_on finds the row of a record once, and says so when there are several', async () => {
  const map = await engine.aMapping({
    table: 'id integer generated by default as identity primary key, email text',
    columns: ['email'],
    options: { match_on: ['email'] },
  });
  await engine.owner.query(`insert into ${map.table} (email) values ('a@x.org'), ('b@x.org'), ('b@x.org')`);
  const page = await map.page([
    { id: 'r1', fields: { Email: 'a@x.org' } },
    { id: 'r2', fields: { Email: 'b@x.org' } },
    { id: 'r3', fields: { Email: 'c@x.org' } },
  ]);
  expect(page).toMatchObject({ created: 1, held: 1 });
  expect((await map.links()).map(({ local_key, remote_id }) => [local_key, remote_id])).toEqual([
    ['1', 'r1'],
    ['4', 'r3'],
  ]);
  expect(await map.errors()).toEqual([expect.objectContaining({ remote_id: 'r2', code: 'AMBIGUOUS_MATCH' })]);
});

test('two records that match one row leave one link and one duplicate', async () => {
  const map = await engine.aMapping({
    table: 'id integer generated by default as identity primary key, email text',
    columns: ['email'],
    options: { match_on: ['email'] },
  });
  await engine.owner.query(`insert into ${map.table} (email) values ('a@x.org')`);
  await map.page([
    { id: 'r1', fields: { Email: 'a@x.org' } },
    { id: 'r2', fields: { Email: 'a@x.org' } },
  ]);
  expect((await map.links()).map((link) => link.remote_id)).toEqual(['r1']);
  expect(await map.errors()).toEqual([expect.objectContaining({ remote_id: 'r2', code: 'DUPLICATE_REMOTE' })]);
});
