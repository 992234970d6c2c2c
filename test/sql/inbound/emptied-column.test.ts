import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

const records = (count: number, name: (n: number) => string | null) =>
  Array.from({ length: count }, (_, n) => ({
    id: `r${String(n)}`,
    fields: { Id: n, Name: name(n), Note: `note ${String(name(n))}` },
  }));

test('a column that most records of a page lose at once is kept, said once, and emptied only by force', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text, note text', direction: 'pull' });
  await map.page(records(40, (n) => `name ${String(n)}`));
  await map.page(records(40, () => null));
  expect((await map.rows()).filter((row) => row.name === null)).toEqual([]);
  expect((await map.rows()).filter((row) => row.note === 'note null')).toHaveLength(40);
  expect(await map.errors()).toEqual([
    expect.objectContaining({
      column: 'name',
      code: 'MASS_EMPTY_HELD',
      message: expect.stringContaining('40 records') as string,
    }),
  ]);

  const run = await map.aRun('full', { force_overwrite: true });
  await map.page(
    records(40, () => null),
    { run },
  );
  expect((await map.rows()).filter((row) => row.name === null)).toHaveLength(40);
});

test('a few values that become null in a page are written', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text, note text', direction: 'pull' });
  await map.page(records(40, (n) => `name ${String(n)}`));
  await map.page(records(40, (n) => (n < 9 ? null : `name ${String(n)}`)));
  expect((await map.rows()).filter((row) => row.name === null)).toHaveLength(9);
});

test('triggers of the table find the claims of the mapping, and nobody finds them afterwards', async () => {
  await engine.owner.query(`create function shop.stamp() returns trigger language plpgsql as $$
    begin new.who := current_setting('request.jwt.claims', true)::jsonb ->> 'sub'; return new; end $$`);
  const map = await engine.aMapping({
    table: 'id integer primary key, who text',
    columns: ['id'],
    prepare: 'create trigger stamp before insert on {table} for each row execute function shop.stamp()',
    options: { claims: { sub: 'tideway' } },
    direction: 'pull',
  });
  await map.page([{ id: 'r1', fields: { Id: 1 } }]);
  expect(await map.rows()).toEqual([{ id: 1, who: 'tideway' }]);
  const { rows } = await engine.daemon.query(
    `select coalesce(current_setting('request.jwt.claims', true), '') as claims`,
  );
  expect(rows).toEqual([{ claims: '' }]);
});
