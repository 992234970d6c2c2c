import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound } from '../outbound/stage.ts';
import { lastRun, runs } from './runs.ts';

const flow = useOutbound();
const { pool } = flow;

const create = (ref: number, name = `item ${String(ref)}`, qty = ref) =>
  ({ op: 'create', values: { ref, name, qty } }) as const;

test('records of the app become rows, and each later change comes with a poll', async () => {
  const stage = await flow.stage({ direction: 'pull', mapping: { schedule: '1 s' } });
  const first = stage.edit(create(1, 'hammer'));
  await flow.daemon();
  await stage.holds([[1, 'hammer', 1]]);
  stage.edit({ op: 'update', id: first, values: { qty: 5 } });
  stage.edit(create(2, 'saw'));
  await stage.holds([
    [1, 'hammer', 5],
    [2, 'saw', 2],
  ]);
  const kinds = (await runs(pool)).map(({ kind, trigger }) => `${kind} ${trigger}`);
  // Everything once, then changes only.
  expect(kinds[0]).toBe('full scheduled');
  expect(new Set(kinds.slice(1))).toEqual(new Set(['delta scheduled']));
});

test('sync_now acts within a second, whatever the schedule says', async () => {
  const stage = await flow.stage({ direction: 'pull', mapping: { schedule: '1 h' } });
  await flow.daemon();
  await waitFor(async () => expect(await lastRun(pool)).toMatchObject({ status: 'completed' }));
  stage.edit(create(1, 'hammer'));
  const { rows } = await pool.query<{ run: string }>(`select tideway.sync_now('items') as run`);
  await waitFor(async () => expect(await lastRun(pool, rows[0]?.run)).toMatchObject({ status: 'completed' }), {
    within: 5_000,
  });
  await stage.holds([[1, 'hammer', 1]]);
  const run = await lastRun(pool, rows[0]?.run);
  expect(run).toMatchObject({ kind: 'delta', created: 1, processed: 1 });
  expect(Object.keys(run.timings).sort()).toEqual(['apply', 'convert', 'fetch', 'push', 'wait']);
  expect((await pool.query('select from tideway_private.requests')).rowCount).toBe(0);
});

test('both ways: the first complete read comes before any create, then each side gets what the other has', async () => {
  await pool.query(`create table items (id integer primary key, name text, qty integer);
                    insert into items values (1, 'hammer', 1), (3, 'drill', 3)`);
  const stage = await flow.stage({ direction: 'both', mapping: { schedule: '1 s' } });
  stage.edit(create(1, 'hammer'));
  stage.edit(create(2, 'saw'));
  await flow.daemon();
  const all = [
    [1, 'hammer', 1],
    [2, 'saw', 2],
    [3, 'drill', 3],
  ] as const;
  await stage.holds(all);
  await stage.shows(all);
  await flow.settled();
  // The record that was there already was tied to its row, not made again.
  expect(stage.effects().map(({ op, values }) => [op, values['name']])).toEqual([['create', 'drill']]);
});

test('an edit in the app and an edit here travel once each, and come back never', async () => {
  await pool.query(
    `create table items (id integer primary key, name text, qty integer); insert into items values (1, 'hammer', 1)`,
  );
  const stage = await flow.stage({ direction: 'both', mapping: { schedule: '1 s' } });
  await flow.daemon();
  await stage.shows([[1, 'hammer', 1]]);
  await flow.settled();
  const id = stage.record(1)?.id ?? '';
  stage.edit({ op: 'update', id, values: { name: 'sledge' } });
  await stage.holds([[1, 'sledge', 1]]);
  await pool.query(`update items set qty = 7`);
  await stage.shows([[1, 'sledge', 7]]);
  await flow.settled();
  const before = stage.effects().length;
  const seen = (await runs(pool)).length;
  await waitFor(async () => expect((await runs(pool)).length).toBeGreaterThan(seen + 2));
  expect(stage.effects().length).toBe(before);
  expect(stage.effects().map(({ op, values }) => [op, values])).toEqual([
    ['create', expect.anything()],
    ['update', { qty: expect.anything() as unknown }],
  ]);
});
