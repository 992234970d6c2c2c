import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound } from './stage.ts';

const outbound = useOutbound();
const { pool } = outbound;

async function failures(): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query<Record<string, unknown>>(
    `select mapping, local_key, "column", code, state from tideway.failed_rows order by local_key`,
  );
  return rows;
}

test('one poison row among a hundred: 99 are written, one is shown with its error, mended and retried in one transaction', async () => {
  const { app, effects } = await outbound.stage({
    app: {
      tables: [
        {
          id: 'items',
          columns: [
            { id: 'ref', type: 'number' },
            { id: 'name', type: 'text', maxLength: 20 },
            { id: 'qty', type: 'number' },
          ],
        },
      ],
    },
  });
  await outbound.daemon();
  await pool.query(
    `insert into items select n, case n when 50 then repeat('x', 30) else 'item ' || n end, n from generate_series(1, 100) n`,
  );
  await waitFor(() => expect(app.records('items')).toHaveLength(99));
  // The comparison at the start may mark the row once more, and it is tried once more.
  await waitFor(async () =>
    expect(await failures()).toMatchObject([
      { mapping: 'items', local_key: '50', column: 'name', code: 'VALUE_TOO_LONG', state: 'failed' },
    ]),
  );

  await pool.query(
    `begin; update items set name = 'short' where id = 50; select tideway.retry_row('items', '50'); commit`,
  );
  await waitFor(() => expect(app.records('items')).toHaveLength(100));
  await outbound.settled();
  expect(await failures()).toEqual([]);
  expect(effects()).toHaveLength(100);
});

test('a batch that the app refuses as a whole is halved until the bad row stands alone', async () => {
  const { app } = await outbound.stage({
    app: {
      allOrNothing: true,
      tables: [
        {
          id: 'items',
          columns: [
            { id: 'ref', type: 'number' },
            { id: 'name', type: 'text', maxLength: 20 },
            { id: 'qty', type: 'number' },
          ],
        },
      ],
    },
  });
  await outbound.daemon();
  await pool.query(
    `insert into items select n, case n when 50 then repeat('x', 30) else 'item ' || n end, n from generate_series(1, 100) n`,
  );
  await waitFor(async () => expect(await failures()).toMatchObject([{ local_key: '50', state: 'failed' }]));
  await waitFor(() => expect(app.records('items')).toHaveLength(99));
});

test('an app that is down delays nobody else, and the slot goes on moving', async () => {
  const dead = await outbound.stage({ name: 'dead' });
  const live = await outbound.stage({ name: 'live' });
  await outbound.daemon();
  await pool.query(`insert into dead values (1, 'hammer', 1)`);
  await dead.shows([[1, 'hammer', 1]]);
  dead.app.fail({ count: 1_000_000, with: { kind: 'reset' } });
  await pool.query(`update dead set qty = 2; insert into dead values (2, 'saw', 2)`);
  await pool.query(`insert into live values (1, 'plane', 1)`);
  await live.shows([[1, 'plane', 1]]);
  await outbound.followed();
  const { rows: before } = await pool.query<{ lsn: string }>(
    `select confirmed_flush_lsn as lsn from pg_replication_slots where slot_name = $1`,
    [outbound.slot],
  );
  await pool.query(`update live set qty = 2`);
  await live.shows([[1, 'plane', 2]]);
  await waitFor(async () => {
    const { rows } = await pool.query(
      `select from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn > $2::pg_lsn`,
      [outbound.slot, before[0]?.lsn],
    );
    return rows.length === 1;
  });
  dead.app.clearFaults();
  await dead.shows(
    [
      [1, 'hammer', 2],
      [2, 'saw', 2],
    ],
    30_000,
  );
  await outbound.settled();
  expect(await failures()).toEqual([]);
});

test('an app that says slow down is obeyed, and no row pays for it', async () => {
  const { app, effects } = await outbound.stage({ app: { requestsPerSecond: 3, rowsPerWrite: 100 } });
  await outbound.daemon();
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 600) n`);
  await waitFor(() => expect(app.records('items')).toHaveLength(600), { within: 60_000 });
  await outbound.settled();
  expect(effects()).toHaveLength(600);
  expect(await failures()).toEqual([]);
});

test('a refused secret pauses the connection instead of hammering it; a good one lets it go on', async () => {
  const { app, shows, writes } = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await shows([[1, 'hammer', 1]]);
  await outbound.settled();
  app.setToken('another');
  await pool.query(`update items set qty = 2`);
  await waitFor(async () => {
    const { rows } = await pool.query(
      `select from tideway.connections where name = 'items' and state = 'unauthorized' and paused_reason like '%401%'`,
    );
    return rows.length === 1;
  });
  const asked = app.requests().length;
  await pool.query(`update items set qty = 3`);
  await outbound.followed();
  expect(app.requests()).toHaveLength(asked);
  app.setToken(app.token);
  await pool.query(`select tideway.resume_connection('items')`);
  await shows([[1, 'hammer', 3]]);
  await outbound.settled();
  expect(await failures()).toEqual([]);
  expect(writes()).toBeGreaterThan(1);
});

test('an update whose answer is lost while the user takes the change back ends as the user left it', async () => {
  const { app, shows } = await outbound.stage({ app: { idempotency: false } });
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 0)`);
  await shows([[1, 'hammer', 0]]);
  await outbound.settled();
  app.fail({ path: '/write', with: { kind: 'drop_answer' } });
  await pool.query(`update items set qty = 1`);
  await shows([[1, 'hammer', 1]]);
  await pool.query(`update items set qty = 0`);
  await shows([[1, 'hammer', 0]]);
  await outbound.settled();
  const { rows } = await pool.query(`select qty from items`);
  expect(rows).toEqual([{ qty: 0 }]);
});

test('a create whose answer is lost is looked up, and stays one record', async () => {
  const { app, effects } = await outbound.stage({ app: { idempotency: false } });
  await outbound.daemon();
  await waitFor(() => app.requests().some((request) => request.endsWith('/tables')));
  app.fail({ path: '/write', with: { kind: 'drop_answer' } });
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await outbound.settled();
  expect(app.records('items')).toHaveLength(1);
  expect(effects().map(({ op }) => op)).toEqual(['create']);
  expect(app.requests().some((request) => request.endsWith('/find'))).toBe(true);
  await pool.query(`update items set qty = 2`);
  await waitFor(() => expect(effects().map(({ op }) => op)).toEqual(['create', 'update']));
});

test('a create that never arrived is looked up, missed and made', async () => {
  const { app, shows, effects } = await outbound.stage({ app: { idempotency: false } });
  await outbound.daemon();
  await waitFor(() => app.requests().some((request) => request.endsWith('/tables')));
  app.fail({ path: '/write', with: { kind: 'status', status: 500 } });
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await shows([[1, 'hammer', 1]], 40_000);
  await outbound.settled();
  expect(effects().map(({ op }) => op)).toEqual(['create']);
});

test('a record that somebody deleted in the app is not created again by an update of its row', async () => {
  const { app, shows, record, effects } = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1), (2, 'saw', 2)`);
  await shows([
    [1, 'hammer', 1],
    [2, 'saw', 2],
  ]);
  await outbound.settled();
  app.edit('items', { op: 'delete', id: record(1)?.id ?? '' });
  await pool.query(`update items set qty = 9`);
  await shows([[2, 'saw', 9]]);
  await outbound.settled();
  expect(effects().filter(({ op }) => op === 'create')).toHaveLength(2);
  expect(app.records('items')).toHaveLength(1);
  // What only goes out takes no row away.
  expect((await pool.query('select from items')).rows).toHaveLength(2);
});

test('an app that shows its writes late is asked again until it does', async () => {
  const { app, shows } = await outbound.stage({ app: { visibleAfter: 800 }, settings: { write_visible_after: 800 } });
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await shows([[1, 'hammer', 1]]);
  await outbound.settled();
  await pool.query(`update items set qty = 2`);
  await shows([[1, 'hammer', 2]]);
  await outbound.settled();
  expect(app.requests().some((request) => request.endsWith('/read'))).toBe(true);
});
