import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

const records = [1, 2, 3].map((id) => ({ id: `r${String(id)}`, fields: { Id: id, Name: `n${String(id)}` } }));

/** A table whose second row meets what a server says, or one beyond a foreign table. */
const refusing = (when: string, state: string) => `
  create function {table}_meet() returns trigger language plpgsql as $$
  begin
    if coalesce(new.id, old.id) = 2 then raise exception 'No space left on device' using errcode = '${state}'; end if;
    return coalesce(new, old);
  end $$;
  create trigger meet before ${when} on {table} for each row execute function {table}_meet()`;

const places = (mapping: number) =>
  engine.all(`select cursor from tideway_private.cursors where mapping = $1`, [mapping]);

test.each([
  ['no room on the disk', '53100'],
  ['no memory', '53200'],
  ['a disk that fails', '58030'],
  ['a shutdown', '57P01'],
  ['no writes', '25006'],
  ['a foreign server that is away', '08006'],
])('%s (%s) is no row’s fault: the page fails whole, and is applied once that is over', async (_, state) => {
  const map = await engine.aMapping({
    table: 'id integer primary key, name text',
    prepare: refusing('insert or update', state),
  });
  const page = () => map.page(records, { cursor: { page: 2 } });
  await expect(page()).rejects.toMatchObject({ code: state });
  expect([await map.rows(), await map.links(), await map.errors(), await map.rereads()]).toEqual([[], [], [], []]);
  expect(await places(map.number)).toEqual([]);
  await engine.owner.query(`drop trigger meet on ${map.table}`);
  expect(await page()).toMatchObject({ created: 3, failed: 0 });
  expect(await places(map.number)).toEqual([{ cursor: { page: 2 } }]);
});

test('a full disk that a deletion meets costs no record an error, and deletes nothing by halves', async () => {
  const map = await engine.aMapping({
    table: 'id integer primary key, name text',
    prepare: refusing('delete', '53100'),
    direction: 'pull',
  });
  await map.page(records);
  const gone = () => map.deleteRecords(['r1', 'r2']);
  await expect(gone()).rejects.toMatchObject({ code: '53100' });
  expect([(await map.rows()).length, await map.errors()]).toEqual([3, []]);
  await engine.owner.query(`drop trigger meet on ${map.table}`);
  expect(await gone()).toMatchObject({ done: 2 });
  expect(await map.rows()).toEqual([{ id: 3, name: 'n3' }]);
});

test('a transform that finds no memory fails neither its record nor its row', async () => {
  await engine.owner.query(`create function shop.large(v jsonb) returns jsonb language plpgsql as $$
    begin if v = '"n2"' then raise exception 'out of memory' using errcode = '53200'; end if; return v; end $$`);
  const inward = await engine.aMapping({
    table: 'id integer primary key, name text',
    columns: ['id', { local: 'name', in: 'shop.large' }],
    direction: 'pull',
  });
  await expect(inward.page(records)).rejects.toMatchObject({ code: '53200' });
  const outward = await engine.aMapping({
    table: 'id integer primary key, name text',
    columns: ['id', { local: 'name', out: 'shop.large' }],
    direction: 'push',
  });
  await engine.owner.query(`insert into ${outward.table} select n, 'n' || n from generate_series(1, 3) n`);
  await outward.mark(['1', '2', '3']);
  const batch = (await outward.claim()) ?? '';
  await expect(outward.prepare(batch)).rejects.toMatchObject({ code: '53200' });
  expect([await inward.errors(), await outward.errors()]).toEqual([[], []]);
  await engine.owner.query(`create or replace function shop.large(v jsonb) returns jsonb language sql as 'select v'`);
  expect(await inward.page(records)).toMatchObject({ created: 3, failed: 0 });
  expect((await outward.prepare(batch)).map(({ local_key: key }) => key).sort()).toEqual(['1', '2', '3']);
});
