import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

test('a table of 130 columns is kept in step like any other', async () => {
  const numbers = Array.from({ length: 129 }, (_, n) => n + 1);
  const map = await engine.aMapping({
    table: `id integer primary key, ${numbers.map((n) => `c${String(n)} text`).join(', ')}`,
  });
  const fields = (id: number, text: string) =>
    Object.fromEntries([['Id', id], ...numbers.map((n) => [`C${String(n)}`, `${text} ${String(n)}`])]) as Record<
      string,
      string | number
    >;
  // New records, then a change of both.
  await map.page([1, 2].map((id) => ({ id: `r${String(id)}`, fields: fields(id, 'theirs') })));
  await map.page([1, 2].map((id) => ({ id: `r${String(id)}`, fields: { ...fields(id, 'theirs'), C77: 'changed' } })));
  const { rows } = await engine.owner.query(`select id, c1, c77, c129 from ${map.table} order by id`);
  expect(rows).toEqual([1, 2].map((id) => ({ id, c1: 'theirs 1', c77: 'changed', c129: 'theirs 129' })));

  await engine.owner.query(
    `update ${map.table} set c129 = 'ours'; insert into ${map.table} (id, c1) values (3, 'new')`,
  );
  await map.mark(['1', '3']);
  const sent = await map.push((item) => ({
    result: 'written',
    remote_id: item.remote_id ?? 'r3',
    shown: item.payload,
  }));
  expect(sent.map(({ op, payload }) => [op, Object.keys(payload as object).length])).toEqual([
    ['update', 1],
    ['create', 130],
  ]);
  expect(await map.errors()).toEqual([]);
});
