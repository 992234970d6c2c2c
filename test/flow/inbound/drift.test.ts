import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound } from '../outbound/stage.ts';

const flow = useOutbound();
const { pool } = flow;

const table = (columns: readonly (readonly [string, 'text' | 'number' | 'boolean'])[]) => ({
  id: 'items',
  columns: columns.map(([id, type]) => ({ id, type })),
});
const AS_IT_WAS = [
  ['ref', 'number'],
  ['name', 'text'],
  ['qty', 'number'],
] as const;

/** As if an hour had passed since the catalogue was read. */
const anHourLater = () => pool.query(`update tideway.remote_tables set read_at = read_at - interval '2 hours'`);

test.each([
  ['vanished', table([AS_IT_WAS[0], AS_IT_WAS[1]]), 'MAPPING_FIELD_MISSING', 'no longer shows the column "qty"'],
  [
    'was renamed',
    table([AS_IT_WAS[0], AS_IT_WAS[1], ['amount', 'number']]),
    'MAPPING_FIELD_MISSING',
    'Was it renamed? The table also has "amount"',
  ],
  [
    'changed its type',
    table([AS_IT_WAS[0], AS_IT_WAS[1], ['qty', 'boolean']]),
    'SHAPE_CHANGED',
    'is boolean now and was number',
  ],
])('a mapped column that %s pauses that mapping only, with the mend', async (_, changed, code, text) => {
  const stage = await flow.stage({ direction: 'pull', mapping: { schedule: '1 h' } });
  stage.edit({ op: 'create', values: { ref: 1, name: 'hammer', qty: 1 } });
  await pool.query(`create table names (id integer primary key, name text)`);
  await pool.query(
    `select tideway.map('names', 'items', 'items', 'names'::regclass, '[{"local": "id", "remote": "ref", "type": "number"}, {"local": "name", "remote": "name"}]'::jsonb, direction => 'pull')`,
  );
  await pool.query(`select tideway.activate('names')`);
  await flow.daemon();
  await stage.holds([[1, 'hammer', 1]]);
  stage.app.replaceTable(changed);
  await anHourLater();
  await waitFor(async () => {
    const { rows } = await pool.query<{ paused_code: string; paused_reason: string }>(
      `select paused_code, paused_reason from tideway.mappings where name = 'items' and state = 'paused'`,
    );
    expect(rows).toMatchObject([{ paused_code: code, paused_reason: expect.stringContaining(text) as string }]);
    expect(rows[0]?.paused_reason).toContain(`tideway.resume('items')`);
  });
  expect((await pool.query(`select state from tideway.mappings where name = 'names'`)).rows).toEqual([
    { state: 'active' },
  ]);
  expect((await pool.query('select from items')).rowCount).toBe(1);
});

test('a new column of the app is offered by suggest_columns after an hour', async () => {
  const stage = await flow.stage({ direction: 'pull', mapping: { schedule: '1 h' } });
  await flow.daemon();
  await pool.query('alter table items add column colour text');
  await waitFor(async () => expect((await pool.query('select from tideway.remote_columns')).rowCount).toBe(3));
  stage.app.replaceTable(table([...AS_IT_WAS, ['colour', 'text']]));
  await anHourLater();
  await waitFor(async () => {
    const { rows } = await pool.query(
      `select remote from tideway.suggest_columns('items', 'items', 'items') where local = 'colour'`,
    );
    expect(rows).toEqual([{ remote: 'colour' }]);
  });
});

test('a schedule that cannot be, pauses the mapping and says why', async () => {
  await flow.stage({ direction: 'pull', mapping: { schedule: '99 2 * * *' } });
  await flow.daemon();
  await waitFor(async () => {
    const { rows } = await pool.query(`select paused_code, paused_reason from tideway.mappings where state = 'paused'`);
    expect(rows).toMatchObject([
      {
        paused_code: 'MAPPING_INVALID',
        paused_reason: expect.stringContaining('The schedule of mapping "items"') as string,
      },
    ]);
  });
});
