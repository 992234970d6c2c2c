import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound } from './stage.ts';

const outbound = useOutbound();
const { pool } = outbound;

test.each([
  ['delete', []],
  ['keep', [[1, 'hammer', 1]]],
] as const)('a row that leaves the filter: %s', async (exit, left) => {
  const stage = await outbound.stage({ mapping: { filter: { local: 'qty > 0' }, on_filter_exit: exit } });
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1), (2, 'saw', 0)`);
  await stage.shows([[1, 'hammer', 1]]);
  await pool.query(`update items set qty = -1 where id = 1`);
  await outbound.settled();
  await stage.shows(left);
  await pool.query(`update items set qty = 5`);
  await stage.shows([
    [1, 'hammer', 5],
    [2, 'saw', 5],
  ]);
  await outbound.settled();
});

test('a row that goes is marked in its record, and the record stays', async () => {
  const stage = await outbound.stage({
    app: {
      tables: [
        {
          id: 'items',
          columns: [
            { id: 'ref', type: 'number' },
            { id: 'name', type: 'text' },
            { id: 'qty', type: 'number' },
            { id: 'gone', type: 'boolean' },
          ],
        },
      ],
    },
    mapping: { on_local_delete: 'soft_delete:gone' },
  });
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1), (2, 'saw', 2)`);
  await stage.shows([
    [1, 'hammer', 1],
    [2, 'saw', 2],
  ]);
  await outbound.settled();
  await pool.query(`delete from items where id = 1`);
  await waitFor(() =>
    expect(stage.app.records('items').map(({ values }) => values['gone'] ?? null)).toEqual([true, null]),
  );
  await outbound.settled();
  expect(stage.effects().map(({ op }) => op)).toEqual(['create', 'create', 'update']);
});

test('a table that lost its key: with the mend people write on, and every row arrives once the key is back', async () => {
  const stage = await outbound.stage();
  const daemon = await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await stage.shows([[1, 'hammer', 1]]);
  await outbound.settled();
  await pool.query(`alter table items drop constraint items_pkey`);
  await waitFor(() => daemon.log().includes('KEY_MISSING'), { within: 20_000 });
  const { rows } = await pool.query<{ mend: string }>(
    `select mend from tideway.health where what like '%lost its key%'`,
  );
  const [putBack = '', takeOut = ''] = (rows[0]?.mend ?? '').split('; or take it out: ');
  await pool.query(takeOut);
  await pool.query(`update items set qty = 2; insert into items values (2, 'saw', 2)`);
  await pool.query(putBack);
  await pool.query(`alter publication tideway add table items`);
  await stage.shows(
    [
      [1, 'hammer', 2],
      [2, 'saw', 2],
    ],
    30_000,
  );
  await outbound.settled();
});
