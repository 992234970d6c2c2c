import type pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine, waitsForLock } from '../../support/engine.ts';
import { waitFor } from '../../support/wait-for.ts';

const database = useDatabase();
let engine: Engine;
let person: pg.Client;
let second: pg.Client;
beforeAll(async () => {
  engine = await useEngine(database);
  person = await database.client(engine.ownerRole);
  second = await database.client('tideway_daemon');
});

const table = 'id integer primary key, name text, stock integer';
const records = [
  { id: 'r1', fields: { Id: 1, Name: 'one', Stock: 10 } },
  { id: 'r2', fields: { Id: 2, Name: 'two', Stock: 20 } },
];
const versions = async (map: { table: string; number: number }) => ({
  rows: await engine.all(`select ctid::text, xmin::text from ${map.table} order by id`, [], engine.owner),
  links: await engine.all(`select ctid::text, xmin::text from tideway_private.links where mapping = $1 order by id`, [
    map.number,
  ]),
});

test.each([
  { direction: 'pull', stock: 'both' },
  { direction: 'both', stock: 'pull' },
  { direction: 'both', stock: 'both' },
] as const)(
  'a row that nobody marked is found by the sweep of a $direction mapping whose column is $stock, once',
  async ({ direction, stock }) => {
    const columns = ['id', 'name', direction === 'pull' ? 'stock' : { local: 'stock', direction: stock }];
    const map = await engine.aMapping({ table, direction, columns });
    await map.page(records);
    await engine.owner.query(`update ${map.table} set stock = 99 where id = 2`);
    const byPage = direction === 'pull' || stock === 'pull';
    expect(await map.page(records, { run: await map.aRun('sweep'), complete: true })).toMatchObject({
      updated: byPage ? 1 : 0,
      unchanged: byPage ? 1 : 2,
    });
    expect(await map.row(2)).toMatchObject({ stock: byPage ? 20 : 99 });
    if (byPage) return;
    // The walk that follows pushes it.
    const { keys } = await engine.one<{ keys: string[] }>('select keys from tideway_private.compare_range($1, $2)', [
      map.number,
      map.epoch,
    ]);
    expect(keys).toEqual(['2']);
  },
);

test('what no page of a read showed is named, as much at a time as is asked for', async () => {
  const map = await engine.aMapping({ table, direction: 'pull' });
  const all = Array.from({ length: 9 }, (_, n) => ({
    id: `r${String(n + 1)}`,
    fields: { Id: n + 1, Name: 'x', Stock: 0 },
  }));
  await map.page(all);
  const run = await map.aRun('sweep');
  await map.page(all.slice(0, 2), { run });
  await map.page([...all.slice(1, 3), { id: 'new', fields: { Id: 10 } }], { run });
  const unseen = async (after: string | null, most: number) =>
    (
      await engine.one<{ ids: string[] }>('select tideway_private.unseen_ids($1, $2, $3, $4) as ids', [
        map.number,
        run,
        after,
        most,
      ])
    ).ids;
  expect(await unseen(null, 4)).toEqual(['r4', 'r5', 'r6', 'r7']);
  expect(await unseen('r7', 4)).toEqual(['r8', 'r9']);
  expect(await unseen('r9', 4)).toEqual([]);
  expect(await engine.all('select from tideway_private.seen_pages where run_id = $1', [run])).toHaveLength(2);
});

test('a page that says nothing new writes nothing: no row and no link has a new version', async () => {
  const map = await engine.aMapping({ table, direction: 'both' });
  await map.page(records);
  const before = await versions(map);
  expect(await map.page(records)).toMatchObject({
    read: 2,
    unchanged: 2,
    candidates: 0,
    created: 0,
    updated: 0,
    deferred: 0,
  });
  expect(await map.page(records, { run: await map.aRun('sweep'), complete: true })).toMatchObject({ updated: 0 });
  expect(await versions(map)).toEqual(before);
  expect(await map.rereads()).toEqual([]);
});

test('$id is the id that the app gives a record, of records from there and of rows from here', async () => {
  const map = await engine.aMapping({
    table: 'id integer primary key, name text, crm text unique',
    columns: ['id', 'name', { local: 'crm', remote: '$id' }],
    direction: 'both',
  });
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'one' } }]);
  expect(await map.row(1)).toMatchObject({ crm: 'r1' });
  await engine.owner.query(`insert into ${map.table} values (2, 'two')`);
  await map.mark(['2']);
  expect((await map.push()).map(({ payload }) => payload)).toEqual([{ Id: 2, Name: 'two' }]);
  await map.page([{ id: 'r2', fields: { Id: 2, Name: 'two' } }]);
  expect(await map.row(2)).toMatchObject({ crm: 'r2' });
});

test('only the row that changed is written, and only its changed field is in the lineage', async () => {
  const map = await engine.aMapping({ table, direction: 'pull' });
  await map.page(records);
  const before = await versions(map);
  await map.page([records[0] ?? {}, { id: 'r2', fields: { Id: 2, Name: 'zwei', Stock: 20 } }]);
  const after = await versions(map);
  expect(after.rows[0]).toEqual(before.rows[0]);
  expect(after.links[0]).toEqual(before.links[0]);
  expect(await map.row(2)).toEqual({ id: 2, name: 'zwei', stock: 20 });
  const lineage = await engine.all(
    `select entity_id, field_name, previous_value, new_value from tideway_private.field_lineage where mapping = $1 and field_name <> '*'`,
    [map.number],
  );
  expect(lineage).toEqual([{ entity_id: '2', field_name: 'name', previous_value: 'two', new_value: 'zwei' }]);
});

test('of two records with one id in a page the later counts', async () => {
  const map = await engine.aMapping({ table, direction: 'pull' });
  expect(await map.page([records[0] ?? {}, { id: 'r1', fields: { Id: 1, Name: 'later', Stock: 1 } }])).toMatchObject({
    created: 1,
    failed: 0,
  });
  expect(await map.rows()).toEqual([{ id: 1, name: 'later', stock: 1 }]);
});

test('of two new records with one key the first is placed and the other is a duplicate', async () => {
  const map = await engine.aMapping({ table, direction: 'pull' });
  await map.page([records[0] ?? {}, { id: 'r9', fields: { Id: 1, Name: 'twin', Stock: 1 } }]);
  expect(await map.rows()).toEqual([{ id: 1, name: 'one', stock: 10 }]);
  expect(await map.errors()).toEqual([expect.objectContaining({ remote_id: 'r9', code: 'DUPLICATE_REMOTE' })]);
});

test('a record without an id is an error with its position, the others are applied', async () => {
  const map = await engine.aMapping({ table, direction: 'pull' });
  const page = await map.page([
    { fields: { Id: 5 }, position: 47 },
    { id: null, fields: { Id: 6 }, position: 89 },
    ...records,
  ]);
  expect(page).toMatchObject({ created: 2, failed: 2 });
  expect((await map.errors()).map(({ row, code }) => ({ row, code }))).toEqual([
    { row: 47, code: 'BAD_RESPONSE' },
    { row: 89, code: 'BAD_RESPONSE' },
  ]);
});

test('what cannot be read, has no id or comes again later keeps none of the others of a page out', async () => {
  const map = await engine.aMapping({ table, direction: 'pull' });
  await map.page(records);
  const page = await map.page([
    '{"id": "r7", "position": 3, "fields": {"Id": 7, "Name": "half \\ud800"}}',
    { fields: { Id: 5 }, position: 47 },
    { id: 'r1', fields: { Id: 1, Name: 'earlier', Stock: 1 } },
    JSON.stringify({ id: 'r3', fields: { Id: 3, Name: 'three', Stock: 30 }, problems: [{ message: '#REF!' }] }),
    ...records,
  ]);
  expect(page).toMatchObject({ read: 5, candidates: 1, created: 1, updated: 0, failed: 2 });
  expect(await map.rows()).toEqual([
    { id: 1, name: 'one', stock: 10 },
    { id: 2, name: 'two', stock: 20 },
    { id: 3, name: 'three', stock: 30 },
  ]);
  expect((await map.errors()).map(({ row, remote_id, code }) => ({ row, remote_id, code }))).toEqual([
    { row: null, remote_id: 'r3', code: 'BAD_RESPONSE' },
    { row: 3, remote_id: 'r7', code: 'INVALID_ENCODING' },
    { row: 47, remote_id: null, code: 'BAD_RESPONSE' },
  ]);
});

test('a record that comes twice, and is compared although it did not change, is compared once', async () => {
  const map = await engine.aMapping({ table, direction: 'pull' });
  await map.page(records);
  await engine.owner.query(`update ${map.table} set stock = 7 where id = 1`);
  const run = await map.aRun('sweep');
  expect(await map.page([...records, ...records], { run, complete: true })).toMatchObject({
    candidates: 1,
    updated: 1,
  });
  expect(await map.row(1)).toMatchObject({ stock: 10 });
});

test('an empty page, and one of blank lines, are pages', async () => {
  const map = await engine.aMapping({ table, direction: 'pull' });
  expect(await map.page([])).toMatchObject({ read: 0, failed: 0 });
  expect(await map.page(['', ''], { cursor: { at: 1 } })).toMatchObject({ read: 0 });
});

test('a record read before its link was touched is read again, and changes nothing', async () => {
  const map = await engine.aMapping({ table, direction: 'pull' });
  await map.page(records);
  const asked = await engine.ask();
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'newer', Stock: 10 } }]);
  const stale = await map.page([{ id: 'r1', fields: { Id: 1, Name: 'older', Stock: 10 } }], { asked });
  expect(stale).toMatchObject({ updated: 0, deferred: 1 });
  expect(await map.rereads()).toEqual([expect.objectContaining({ remote_id: 'r1', reason: 'stale' })]);
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'newer', Stock: 10 } }]);
  expect(await map.rereads()).toEqual([]);
  expect(await map.row(1)).toMatchObject({ name: 'newer' });
});

test('a row that somebody holds goes to the re-read list, and their commit survives', async () => {
  const map = await engine.aMapping({ table });
  await map.page(records);
  await person.query('begin');
  await person.query(`update ${map.table} set stock = 7, name = 'edited' where id = 1`);
  const page = await map.page([
    { id: 'r1', fields: { Id: 1, Name: 'one', Stock: 11 } },
    { id: 'r2', fields: { Id: 2, Name: 'zwei', Stock: 20 } },
  ]);
  expect(page).toMatchObject({ updated: 1, deferred: 1 });
  expect(await map.rereads()).toEqual([expect.objectContaining({ remote_id: 'r1', reason: 'locked' })]);
  await person.query('commit');
  expect(await map.row(1)).toEqual({ id: 1, name: 'edited', stock: 7 });
  expect(await map.row(2)).toEqual({ id: 2, name: 'zwei', stock: 20 });
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'one', Stock: 11 } }]);
  expect(await map.row(1)).toEqual({ id: 1, name: 'edited', stock: 11 });
  await map.mark(['1']);
  expect((await map.push()).map((item) => item.payload)).toEqual([{ Name: 'edited' }]);
});

test('a commit of a person that the snapshot of the page did not see is not overwritten', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text, stock integer, price integer' });
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'one', Stock: 10, Price: 1 } }]);
  // The page waits for its turn; meanwhile the person commits. Only then does it lock and read.
  await second.query('begin');
  await second.query(`select pg_advisory_xact_lock(tideway_private.lock_key('apply'), $1)`, [map.number]);
  const page = map.page([{ id: 'r1', fields: { Id: 1, Name: 'one', Stock: 10, Price: 2 } }]);
  await waitFor(() => waitsForLock(engine, engine.daemon as pg.Client & { processID: number }));
  await person.query(`update ${map.table} set stock = 7, name = 'edited'`);
  await second.query('commit');
  expect(await page).toMatchObject({ updated: 1 });
  expect(await map.row(1)).toEqual({ id: 1, name: 'edited', stock: 7, price: 2 });
});

test('two pages of one mapping are applied one after the other, those of two mappings at once', async () => {
  const [map, other] = [await engine.aMapping({ table }), await engine.aMapping({ table })];
  await second.query('begin');
  await map.page(records, { on: second });
  const page = map.page(records);
  await waitFor(() => waitsForLock(engine, engine.daemon as pg.Client & { processID: number }));
  await second.query('commit');
  expect(await page).toMatchObject({ created: 0, unchanged: 2 });
  await second.query('begin');
  await other.page(records, { on: second });
  expect(await map.page(records)).toMatchObject({ read: 2 });
  await second.query('rollback');
});

test('a person who locks rows in the other order is never the victim of a deadlock', async () => {
  const map = await engine.aMapping({ table });
  await map.page(records);
  await person.query('begin');
  await person.query(`update ${map.table} set stock = stock + 1 where id = 2`);
  await second.query('begin');
  const page = await map.page(
    [
      { id: 'r1', fields: { Id: 1, Name: 'x', Stock: 10 } },
      { id: 'r2', fields: { Id: 2, Name: 'y', Stock: 20 } },
    ],
    { on: second },
  );
  expect(page).toMatchObject({ updated: 1, deferred: 1 });
  const theirs = person.query(`update ${map.table} set stock = stock + 1 where id = 1`);
  await waitFor(() => waitsForLock(engine, person as pg.Client & { processID: number }));
  await second.query('commit');
  await theirs;
  await person.query('commit');
  expect(await map.rows()).toEqual([
    { id: 1, name: 'x', stock: 11 },
    { id: 2, name: 'two', stock: 21 },
  ]);
});

test('a unique value that somebody else is about to take holds the page only for a moment', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text unique' });
  await person.query('begin');
  await person.query(`insert into ${map.table} values (7, 'taken')`);
  const page = await map.page([
    { id: 'r1', fields: { Id: 1, Name: 'taken' } },
    { id: 'r2', fields: { Id: 2, Name: 'free' } },
  ]);
  expect(page).toMatchObject({ created: 1, deferred: 1 });
  expect(await map.rereads()).toEqual([expect.objectContaining({ remote_id: 'r1', reason: 'locked' })]);
  await person.query('rollback');
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'taken' } }]);
  expect((await map.rows()).map((row) => row.name)).toEqual(['taken', 'free']);
});

test.each([
  ['a unique constraint', 'create unique index on {table} (name)', 'CONSTRAINT_UNIQUE'],
  [
    'a deferred unique constraint',
    'alter table {table} add unique (name) deferrable initially deferred',
    'CONSTRAINT_UNIQUE',
  ],
  ['a check', "alter table {table} add check (name <> 'same')", 'CONSTRAINT_CHECK'],
  [
    'a foreign key',
    "create table {table}_parents (name text primary key); insert into {table}_parents values ('one'), ('two'), ('a'); alter table {table} add foreign key (name) references {table}_parents",
    'CONSTRAINT_FK',
  ],
  [
    'a deferred foreign key',
    "create table {table}_parents (name text primary key); insert into {table}_parents values ('one'), ('two'), ('a'); alter table {table} add foreign key (name) references {table}_parents deferrable initially deferred",
    'CONSTRAINT_FK',
  ],
  [
    'a trigger that raises',
    "create function {table}_refuse() returns trigger language plpgsql as $$ begin if new.name = 'same' then raise exception 'not this one'; end if; return new; end $$; create trigger t before insert or update on {table} for each row execute function {table}_refuse()",
    'REFUSED_BY_TRIGGER',
  ],
  [
    'a constraint trigger at commit',
    "create function {table}_refuse() returns trigger language plpgsql as $$ begin if new.name = 'same' then raise exception 'not this one'; end if; return new; end $$; create constraint trigger t after insert or update on {table} deferrable initially deferred for each row execute function {table}_refuse()",
    'REFUSED_BY_TRIGGER',
  ],
  [
    'a trigger that swallows the row',
    "create function {table}_refuse() returns trigger language plpgsql as $$ begin if new.name = 'same' then return null; end if; return new; end $$; create trigger t before insert or update on {table} for each row execute function {table}_refuse()",
    'NOT_WRITTEN',
  ],
  [
    'a statement trigger that raises',
    "create function {table}_refuse() returns trigger language plpgsql as $$ begin if exists (select from {table} where name = 'same') then raise exception 'not this one'; end if; return null; end $$; create trigger t after insert or update on {table} for each statement execute function {table}_refuse()",
    'REFUSED_BY_TRIGGER',
  ],
])('%s costs only its row, of new rows and of old ones', async (_, prepare, code) => {
  const map = await engine.aMapping({ table, prepare });
  await map.page(records);
  const unique = code === 'CONSTRAINT_UNIQUE';
  if (unique) await engine.owner.query(`insert into ${map.table} values (9, 'same')`);
  const page = await map.page([
    { id: 'r1', fields: { Id: 1, Name: 'same', Stock: 1 }, position: 1 },
    { id: 'r2', fields: { Id: 2, Name: 'two', Stock: 2 }, position: 2 },
    { id: 'r3', fields: { Id: 3, Name: 'same', Stock: 3 }, position: 3 },
    { id: 'r4', fields: { Id: 4, Name: 'a', Stock: 4 }, position: 4 },
  ]);
  expect(page).toMatchObject({ created: 1, updated: 1, failed: 2 });
  expect((await map.rows()).filter((row) => row.id !== 9)).toEqual([
    { id: 1, name: 'one', stock: 10 },
    { id: 2, name: 'two', stock: 2 },
    { id: 4, name: 'a', stock: 4 },
  ]);
  expect((await map.errors()).map((error) => [error.remote_id, error.code, error.row])).toEqual([
    ['r1', code, 1],
    ['r3', code, 3],
  ]);
  expect((await map.links()).map((link) => link.remote_id)).toEqual(['r1', 'r2', 'r4']);
  expect((await map.rereads()).map((reread) => reread.remote_id)).toEqual(['r1', 'r3']);
});

test('a trigger that rewrites a value wins, and its value is pushed once', async () => {
  const map = await engine.aMapping({
    table,
    prepare:
      'create function {table}_own() returns trigger language plpgsql as $$ begin new.name := upper(new.name); return new; end $$; create trigger t before insert or update on {table} for each row execute function {table}_own()',
  });
  await map.page(records);
  expect(await map.row(1)).toMatchObject({ name: 'ONE' });
  await map.mark(['1', '2']);
  expect((await map.push()).map((item) => item.payload)).toEqual([{ Name: 'ONE' }, { Name: 'TWO' }]);
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'ONE', Stock: 10 } }]);
  await map.mark(['1', '2']);
  expect(await map.push()).toEqual([]);
});

test('a page that is cut off in the middle leaves nothing: no row, link, cursor, error or count', async () => {
  const map = await engine.aMapping({ table, direction: 'pull' });
  await second.query('begin');
  await map.page([...records, { id: 'r3', fields: { Id: 'x' } }], { cursor: { at: 2 }, complete: true, on: second });
  await second.query('rollback');
  expect(await map.rows()).toEqual([]);
  expect(await map.links()).toEqual([]);
  expect(await map.errors()).toEqual([]);
  expect(await map.rereads()).toEqual([]);
  const counts = await engine.one(
    `select (select count(*) from tideway_private.cursors where mapping = $1)::integer as cursors, rows_processed::integer as rows from tideway.sync_runs where id = $2`,
    [map.number, map.usual],
  );
  expect(counts).toEqual({ cursors: 0, rows: 0 });
});

test('page and cursor commit together, and a part of a page does not move it', async () => {
  const map = await engine.aMapping({ table, direction: 'pull', read: false });
  await map.page([records[0] ?? {}]);
  expect(await engine.all('select from tideway_private.cursors where mapping = $1', [map.number])).toHaveLength(0);
  await map.page([records[1] ?? {}], { cursor: { after: 'r2' } });
  expect(
    await engine.one(
      `select cursor, page, complete_at is null as open from tideway_private.cursors where mapping = $1`,
      [map.number],
    ),
  ).toEqual({ cursor: { after: 'r2' }, page: 1, open: true });
  await map.page([], { cursor: { after: 'end' }, complete: true });
  expect(
    await engine.one(
      `select cursor, page, complete_at is null as open from tideway_private.cursors where mapping = $1`,
      [map.number],
    ),
  ).toEqual({ cursor: { after: 'end' }, page: 2, open: false });
  expect(
    await engine.one(`select first_read_at is not null as read from tideway.mappings where number = $1`, [map.number]),
  ).toEqual({ read: true });
});

test('a read with a row limit, or one that did not end, is no first complete read', async () => {
  const map = await engine.aMapping({ table, read: false });
  await map.page(records, { run: await map.aRun('pull', { row_limit: 2 }), complete: true });
  await map.page(records, { cursor: { at: 1 } });
  expect(
    await engine.one(`select first_read_at is not null as read from tideway.mappings where number = $1`, [map.number]),
  ).toEqual({ read: false });
});

test('the counts of a run are those of its pages', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text not null', direction: 'pull' });
  const run = await map.aRun('pull');
  const page = [
    { id: 'a', fields: { Id: 1, Name: 'a' } },
    { id: 'b', fields: { Id: 2, Name: null } },
    { id: 'c', fields: { Id: 3, Name: 'c' } },
  ];
  await map.page(page, { run });
  await map.page(
    [
      { id: 'a', fields: { Id: 1, Name: 'a' } },
      { id: 'c', fields: { Id: 3, Name: 'C' } },
    ],
    { run },
  );
  expect(
    await engine.one(
      `select rows_processed::integer, rows_created::integer, rows_updated::integer, rows_failed::integer, rows_skipped::integer from tideway.sync_runs where id = $1`,
      [run],
    ),
  ).toEqual({
    rows_processed: 5,
    rows_created: 2,
    rows_updated: 1,
    rows_failed: 1,
    rows_skipped: 1,
  });
});

test('a dry run writes nothing and says what it would change', async () => {
  const map = await engine.aMapping({ table });
  await map.page(records);
  const before = await versions(map);
  const run = await map.aRun('pull', { dry_run: true });
  const page = await map.page(
    [
      { id: 'r1', fields: { Id: 1, Name: 'new', Stock: 10 } },
      { id: 'r3', fields: { Id: 3, Name: 'three', Stock: 1 } },
    ],
    { run, cursor: { at: 9 }, complete: true },
  );
  expect(page).toMatchObject({ created: 1, updated: 1 });
  expect(await versions(map)).toEqual(before);
  expect(await engine.all('select from tideway_private.cursors where mapping = $1', [map.number])).toHaveLength(0);
  const { changes } = await engine.one<{ changes: { op: string; fields: unknown }[] }>(
    'select changes from tideway.sync_runs where id = $1',
    [run],
  );
  expect(changes.map(({ op, fields }) => ({ op, fields }))).toEqual([
    { op: 'update', fields: { name: { from: 'one', to: 'new' } } },
    {
      op: 'create',
      fields: { id: { from: null, to: 3 }, name: { from: null, to: 'three' }, stock: { from: null, to: 1 } },
    },
  ]);
});

test('a column that the app could not show stays as it is, and is told as a warning', async () => {
  const map = await engine.aMapping({ table });
  await map.page(records);
  const shown = JSON.stringify({
    id: 'r1',
    fields: { Id: 1, Name: 'new' },
    problems: [{ column: 'Stock', message: 'The formula is in error' }],
  });
  expect(await map.page([shown])).toMatchObject({ updated: 1, failed: 0 });
  expect(await map.row(1)).toMatchObject({ name: 'new', stock: 10 });
  expect(await map.errors()).toMatchObject([
    { remote_id: 'r1', column: 'stock', code: 'BAD_RESPONSE', severity: 'warning', message: 'The formula is in error' },
  ]);
  // The same again, with nothing else changed, is no failure either.
  expect(await map.page([shown])).toMatchObject({ updated: 0, failed: 0 });
});
