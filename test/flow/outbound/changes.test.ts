import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound } from './stage.ts';

const outbound = useOutbound();
const { pool } = outbound;

test('an insert, an update and a delete reach the app by themselves', async () => {
  const { shows, effects } = await outbound.stage();
  const daemon = await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 3), (2, 'saw', 4)`);
  await shows([
    [1, 'hammer', 3],
    [2, 'saw', 4],
  ]);
  await pool.query(`update items set qty = 5 where id = 2`);
  await shows([
    [1, 'hammer', 3],
    [2, 'saw', 5],
  ]);
  await pool.query(`delete from items where id = 1`);
  await shows([[2, 'saw', 5]]);
  await outbound.settled();
  expect(effects().map(({ op }) => op)).toEqual(['create', 'create', 'update', 'delete']);
  // Only what changed was sent.
  expect(Object.keys(effects().find(({ op }) => op === 'update')?.values ?? {})).toEqual(['qty']);
  await daemon.stop();
});

test('rows that are there when a mapping is activated reach the app', async () => {
  await pool.query(`create table items (id integer primary key, name text, qty integer);
                    insert into items select n, 'item ' || n, n from generate_series(1, 250) n`);
  const { effects } = await outbound.stage();
  await outbound.daemon();
  await outbound.settled();
  expect(effects().filter(({ op }) => op === 'create')).toHaveLength(250);
});

test('a row changed a thousand times is sent as it is in the end, not a thousand times', async () => {
  const { shows, writes, app } = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 0)`);
  await shows([[1, 'hammer', 0]]);
  await outbound.settled();
  const before = writes();
  app.fail({ path: '/write', with: { kind: 'delay', milliseconds: 1_000 } });
  for (let n = 1; n <= 1000; n += 1) await pool.query(`update items set qty = $1 where id = 1`, [n]);
  await shows([[1, 'hammer', 1000]]);
  await outbound.settled();
  // While the app thinks, changes come together; a quick app may be asked a few times more.
  expect(writes() - before).toBeLessThan(100);
});

test('one transaction that changes a row a thousand times is one request', async () => {
  const { shows, writes } = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 0)`);
  await shows([[1, 'hammer', 0]]);
  await outbound.settled();
  const before = writes();
  await pool.query(`do $$ begin for n in 1..1000 loop update items set qty = n where id = 1; end loop; end $$`);
  await shows([[1, 'hammer', 1000]]);
  await outbound.settled();
  expect(writes() - before).toBe(1);
});

test('an update that changes nothing, and one of columns that are not mapped, cause no request', async () => {
  await pool.query(`create table items (id integer primary key, name text, qty integer, note text)`);
  const { shows, writes } = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 3, 'x')`);
  await shows([[1, 'hammer', 3]]);
  await outbound.settled();
  const before = writes();
  await pool.query(`update items set qty = qty`);
  await pool.query(`update items set note = 'y'`);
  await outbound.followed();
  await outbound.settled();
  expect(writes()).toBe(before);
});

test('a key that changes moves the record with it; swapped keys too', async () => {
  const { shows, effects, record } = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 3), (2, 'saw', 4)`);
  await shows([
    [1, 'hammer', 3],
    [2, 'saw', 4],
  ]);
  const [hammer, saw] = [record(1)?.id, record(2)?.id];
  await pool.query(`update items set id = 7 where id = 1`);
  await shows([
    [2, 'saw', 4],
    [7, 'hammer', 3],
  ]);
  expect(record(7)?.id).toBe(hammer);
  await pool.query(
    `begin; update items set id = 9 where id = 7; update items set id = 7 where id = 2; update items set id = 2 where id = 9; commit`,
  );
  await shows([
    [2, 'hammer', 3],
    [7, 'saw', 4],
  ]);
  await outbound.settled();
  expect([record(2)?.id, record(7)?.id]).toEqual([hammer, saw]);
  expect(new Set(effects().map(({ op }) => op))).toEqual(new Set(['create', 'update']));
});

test('a key of several columns with quotes, dates and numbers comes back as the same row', async () => {
  await pool.query(
    `create table items (id integer, part text, at date, name text, qty integer, primary key (at, part, id))`,
  );
  const { shows } = await outbound.stage();
  await outbound.daemon();
  await pool.query(
    `insert into items values (1, 'a "quoted", {part}', '2026-01-31', 'hammer', 3), (2, 'ä\\b', '0044-03-15 BC', 'saw', 4)`,
  );
  await shows([
    [1, 'hammer', 3],
    [2, 'saw', 4],
  ]);
  await pool.query(`update items set qty = 9 where id = 2`);
  await pool.query(`delete from items where id = 1`);
  await shows([[2, 'saw', 9]]);
});

test('a change during the push survives it', async () => {
  const { shows, app, writes } = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await shows([[1, 'hammer', 1]]);
  await outbound.settled();
  const before = writes();
  app.fail({ path: '/write', with: { kind: 'delay', milliseconds: 700 } });
  await pool.query(`update items set qty = 2`);
  await waitFor(() => writes() === before + 1);
  await pool.query(`update items set qty = 3`);
  await shows([[1, 'hammer', 3]]);
  await outbound.settled();
  expect(writes() - before).toBe(2);
});

test('rows of partitions count as rows of their table, and move between partitions as updates', async () => {
  await pool.query(`create table items (id integer primary key, name text, qty integer) partition by range (id);
                    create table items_low partition of items for values from (0) to (100);
                    create table items_high partition of items for values from (100) to (200);`);
  const { shows, effects, record } = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 3)`);
  await shows([[1, 'hammer', 3]]);
  const id = record(1)?.id;
  await pool.query(`update items_low set qty = 4`);
  await shows([[1, 'hammer', 4]]);
  expect(record(1)?.id).toBe(id);
  expect(effects().map(({ op }) => op)).toEqual(['create', 'update']);
});
