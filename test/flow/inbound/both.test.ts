import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound, type Stage } from '../outbound/stage.ts';
import { runs } from './runs.ts';

const flow = useOutbound();
const { pool } = flow;

const polled = { schedule: '1 s', sweep_schedule: 'manual' };

/** Resolves when each mapping has been polled twice more: nothing that was on its way can still come. */
async function quiet(...names: readonly string[]): Promise<void> {
  await flow.settled();
  for (const name of names) {
    const before = (await runs(pool, name)).length;
    await waitFor(async () => expect((await runs(pool, name)).length).toBeGreaterThan(before + 2), { within: 20_000 });
  }
  await flow.settled();
}

test('three apps on one table pass changes on, each once, and none comes back', async () => {
  const stages: Stage[] = [];
  for (const name of ['one', 'two', 'three']) {
    stages.push(await flow.stage({ name, table: 'public.items', direction: 'both', mapping: polled }));
  }
  const [one, two, three] = stages as [Stage, Stage, Stage];
  const id = one.edit({ op: 'create', values: { ref: 1, name: 'hammer', qty: 1 } });
  await flow.daemon();
  for (const stage of [two, three]) await stage.shows([[1, 'hammer', 1]]);
  await quiet('one', 'two', 'three');
  two.edit({ op: 'update', id: two.record(1)?.id ?? '', values: { name: 'sledge' } });
  for (const stage of stages) await stage.shows([[1, 'sledge', 1]]);
  one.edit({ op: 'update', id, values: { qty: 5 } });
  for (const stage of stages) await stage.shows([[1, 'sledge', 5]]);
  await quiet('one', 'two', 'three');
  const ops = stages.map((stage) =>
    stage.effects().map(({ op, values }) => [op, ...Object.keys(values).sort()].join(' ')),
  );
  expect(ops).toEqual([
    ['update name'],
    ['create name qty ref', 'update qty'],
    ['create name qty ref', 'update name', 'update qty'],
  ]);
});

test('a row edited on both sides in the same second ends equal, and the loser is in conflicts', async () => {
  const stage = await flow.stage({ direction: 'both', mapping: { ...polled, settle: '4 s' } });
  stage.edit({ op: 'create', values: { ref: 1, name: 'hammer', qty: 1 } });
  await flow.daemon();
  await stage.holds([[1, 'hammer', 1]]);
  await flow.settled();
  // The row rests before it is pushed, and the poll has seen the other edit by then.
  stage.edit({ op: 'update', id: stage.record(1)?.id ?? '', values: { name: 'theirs', qty: 2 } });
  await pool.query(`update items set name = 'ours' where id = 1`);
  await waitFor(async () => expect((await pool.query('select from tideway.conflicts')).rowCount).toBe(1));
  await quiet('items');
  await stage.holds([[1, 'theirs', 2]]);
  await stage.shows([[1, 'theirs', 2]]);
  const { rows } = await pool.query(`select "column", local_value, remote_value, resolution from tideway.conflicts`);
  expect(rows).toEqual([{ column: 'name', local_value: 'ours', remote_value: 'theirs', resolution: 'remote' }]);
});

test('edits of different fields on both sides merge', async () => {
  const stage = await flow.stage({ direction: 'both', mapping: polled });
  stage.edit({ op: 'create', values: { ref: 1, name: 'hammer', qty: 1 } });
  await flow.daemon();
  await stage.holds([[1, 'hammer', 1]]);
  await flow.settled();
  stage.edit({ op: 'update', id: stage.record(1)?.id ?? '', values: { qty: 2 } });
  await pool.query(`update items set name = 'ours' where id = 1`);
  await stage.holds([[1, 'ours', 2]]);
  await stage.shows([[1, 'ours', 2]]);
  await quiet('items');
  expect((await pool.query('select from tideway.conflicts')).rowCount).toBe(0);
});

test('an app that rewrites what it is given settles within a round', async () => {
  const stage = await flow.stage({
    direction: 'both',
    mapping: polled,
    app: {
      tables: [
        {
          id: 'items',
          columns: [
            { id: 'ref', type: 'number' },
            { id: 'name', type: 'text', normalise: 'lower' },
            { id: 'qty', type: 'number' },
          ],
        },
      ],
    },
  });
  await pool.query(`insert into items values (1, 'HAMMER', 1)`);
  await flow.daemon();
  await waitFor(() => expect(stage.record(1)).toBeDefined());
  await quiet('items');
  const effects = stage.effects().length;
  await pool.query(`update items set qty = 2`);
  await waitFor(() => expect(stage.record(1)).toMatchObject({ qty: 2 }));
  await quiet('items');
  // One update of the quantity, no fight over the name.
  expect(stage.effects().length - effects).toBe(1);
  expect(stage.record(1)).toMatchObject({ name: 'hammer' });
});

test('a record deleted in the app takes its row along; a row deleted here takes its record along', async () => {
  const stage = await flow.stage({ direction: 'both', mapping: polled });
  for (const ref of [1, 2]) stage.edit({ op: 'create', values: { ref, name: 'x', qty: ref } });
  await flow.daemon();
  await waitFor(async () => expect((await pool.query('select from items')).rowCount).toBe(2));
  await flow.settled();
  await pool.query(`delete from items where id = 1`);
  await stage.shows([[2, 'x', 2]]);
  stage.edit({ op: 'delete', id: stage.record(2)?.id ?? '' });
  await pool.query(`select tideway.sweep('items')`);
  await stage.holds([]);
  await quiet('items');
  expect(stage.app.records('items')).toEqual([]);
});
