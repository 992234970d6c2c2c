import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, type Mapping, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

/** As a release left it that wrote this statement otherwise. */
const outdate = (map: Mapping) =>
  engine.pool.query(
    `update tideway_private.statements set sql = '-- of old' || sql where mapping = $1 and kind = 'convert'`,
    [map.number],
  );

/** As `tideway migrate` calls it. */
async function recompile() {
  const owner = await database.client('tideway_owner');
  return (await owner.query(`select mapping, problem from tideway_private.recompile()`)).rows as unknown[];
}

const statements = async (map: Mapping) =>
  (
    await engine.pool.query(`select kind, sql from tideway_private.statements where mapping = $1 order by kind`, [
      map.number,
    ])
  ).rows as unknown[];

const stored = async (map: Mapping) =>
  (
    await engine.pool.query(
      `select m.xmin::text as version, m.generation, m.updated_at, array(select s.xmin::text from tideway_private.statements s where s.mapping = m.number order by s.kind) as statements
         from tideway.mappings m where m.number = $1`,
      [map.number],
    )
  ).rows[0] as { generation: number };

test('only the SQL that an older release wrote is written anew, and its mapping reads everything again', async () => {
  const old = await engine.aMapping({ table: 'id integer primary key, v text' });
  const right = await engine.aMapping({ table: 'id integer primary key, v text' });
  const [wanted, before, untouched] = [await statements(old), await stored(old), await stored(right)];
  await outdate(old);

  expect(await recompile()).toEqual([{ mapping: old.name, problem: null }]);
  expect(await statements(old)).toEqual(wanted);
  expect((await stored(old)).generation).toBe(before.generation + 1);
  expect(await stored(right)).toEqual(untouched);
  expect(await recompile()).toEqual([]);
});

test('a mapping that is stopped anyway is left to map and resume', async () => {
  const gone = await engine.aMapping({ table: 'id integer primary key, v text' });
  const changed = await engine.aMapping({ table: 'id integer primary key, v text' });
  const unmapped = await engine.aMapping({ table: 'id integer primary key, v text' });
  for (const map of [gone, changed, unmapped]) await outdate(map);
  await engine.owner.query(`drop table ${gone.table}; alter table ${changed.table} alter v type varchar(9)`);
  await engine.pool.query(`select tideway.unmap($1)`, [unmapped.name]);
  const before = await Promise.all([gone, changed, unmapped].map(stored));

  expect(await recompile()).toEqual([]);
  expect(await Promise.all([gone, changed, unmapped].map(stored))).toEqual(before);
});

test('a mapping whose SQL cannot be written keeps it and says why; the others get theirs', async () => {
  const broken = await engine.aMapping({ table: 'id integer primary key, v text' });
  const fine = await engine.aMapping({ table: 'id integer primary key, v text' });
  for (const map of [broken, fine]) await outdate(map);
  await engine.pool.query(`
    create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
    create trigger refuse before update on tideway.mappings for each row when (old.number = ${broken.number}) execute function public.refuse()`);
  const before = await stored(broken);

  expect(await recompile()).toEqual([
    { mapping: broken.name, problem: 'not this one' },
    { mapping: fine.name, problem: null },
  ]);
  expect(await stored(broken)).toEqual(before);
  await engine.pool.query(`drop trigger refuse on tideway.mappings`);
});

test('a runner that is gone keeps its mapping from being rewritten, and the same map makes it again', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, v text' });
  const again = () =>
    engine.pool.query(
      `select tideway.map(m.name, c.name, m.remote_table, m.local_table)
         from tideway.mappings m join tideway.connections c on c.id = m.connection_id where m.number = $1`,
      [map.number],
    );
  await outdate(map);
  await engine.pool.query(`drop function tideway_run.tideway_test_owner`);

  expect(await recompile()).not.toContainEqual({ mapping: map.name, problem: null });
  expect(await map.page([{ id: 'r1', fields: { Id: 1, V: 'a' } }])).toMatchObject({
    stopped: { code: 'RUN_AS_MISSING' },
  });
  await again();
  expect(await recompile()).not.toContainEqual({ mapping: map.name, problem: null });
  await engine.pool.query(`select tideway.resume($1)`, [map.name]);
  await engine.pool.query(`update tideway.mappings set state = 'active' where number = $1`, [map.number]);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'a' } }]);
  expect(await map.rows()).toEqual([{ id: 1, v: 'a' }]);
});
