import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound } from './stage.ts';

const outbound = useOutbound();
const { pool } = outbound;

test('an open transaction with a retry in it stops nobody, and takes effect when it commits', async () => {
  const { shows, app, writes } = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1), (2, 'saw', 1)`);
  await shows([
    [1, 'hammer', 1],
    [2, 'saw', 1],
  ]);
  await outbound.settled();
  const person = await pool.connect();
  try {
    await person.query('begin');
    await person.query(`update items set qty = 5 where id = 1`);
    await person.query(`select tideway.retry_row('items', '1'), tideway.backfill('items')`);
    await pool.query(`update items set qty = 2 where id = 2`);
    await shows([
      [1, 'hammer', 1],
      [2, 'saw', 2],
    ]);
    await outbound.followed();
    await person.query('commit');
  } finally {
    person.release();
  }
  await shows([
    [1, 'hammer', 5],
    [2, 'saw', 2],
  ]);
  await outbound.settled();
  expect(app.records('items')).toHaveLength(2);
  expect(writes()).toBeGreaterThan(2);
});

test('a comparison that a stop interrupts is carried out by the next daemon', async () => {
  const { shows } = await outbound.stage();
  const first = await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await shows([[1, 'hammer', 1]]);
  await outbound.settled();
  const person = await pool.connect();
  try {
    // As long as it is open, no snapshot shows all that the log holds, so the comparison waits.
    await person.query('begin');
    await person.query('select pg_current_xact_id()');
    await pool.query(`select tideway_private.ask_compare(null, 'a test asks')`);
    await waitFor(async () => {
      const { rowCount } = await pool.query(
        `select from pg_stat_activity a
          where a.datname = current_database() and a.application_name = 'tideway/push' and a.query like '%log_is_visible%'
            and a.query_start > (select max(requested_at) from tideway_private.requests)`,
      );
      expect(rowCount).toBeGreaterThan(0);
    });
    await first.stop();
    expect((await pool.query('select kind from tideway_private.requests')).rows).toEqual([{ kind: 'compare' }]);
  } finally {
    await person.query('rollback');
    person.release();
  }
  await outbound.daemon();
  await outbound.settled();
});

test('pause holds changes back in Postgres; resume works them off', async () => {
  const { shows, app } = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await shows([[1, 'hammer', 1]]);
  await outbound.settled();
  await pool.query(`select tideway.pause('items', 'stock taking')`);
  await pool.query(`update items set qty = 2`);
  await outbound.followed();
  await waitFor(async () =>
    expect((await pool.query(`select marks::int from tideway.queue_status`)).rows).toEqual([{ marks: 1 }]),
  );
  expect(app.records('items')).toHaveLength(1);
  await shows([[1, 'hammer', 1]]);
  await pool.query(`select tideway.resume('items')`);
  await shows([[1, 'hammer', 2]]);
});

test('outside of its windows nothing is written; once one is open, everything that waited is', async () => {
  const hour = (from: number): string => `${String((new Date().getUTCHours() + from) % 24).padStart(2, '0')}:00`;
  const { shows, app } = await outbound.stage({ mapping: { windows: [{ from: hour(2), to: hour(4) }] } });
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await outbound.followed();
  await pool.query(`update items set qty = 2`);
  await outbound.followed();
  await waitFor(async () =>
    expect((await pool.query(`select marks::int from tideway.queue_status`)).rows).toEqual([{ marks: 1 }]),
  );
  expect(app.records('items')).toEqual([]);
  await pool.query(`update tideway.mappings set windows = null, state = 'pending' where name = 'items'`);
  await pool.query(`notify tideway_requests`);
  await shows([[1, 'hammer', 2]]);
});

test('a record that is gone in the app comes back when its row is replayed', async () => {
  const { shows, app, record } = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await shows([[1, 'hammer', 1]]);
  await outbound.settled();
  app.edit('items', { op: 'delete', id: record(1)?.id ?? '' });
  await pool.query(`update items set qty = 2`);
  await waitFor(async () => {
    const { rows } = await pool.query(`select from tideway_private.links where remote_gone_at is not null`);
    return rows.length === 1;
  });
  await outbound.settled();
  expect(app.records('items')).toHaveLength(0);
  await pool.query(`select tideway.replay('items', '1')`);
  await shows([[1, 'hammer', 2]]);
});

test('deletions above the ratio are held until somebody approves them', async () => {
  const { app } = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 60) n`);
  await waitFor(() => expect(app.records('items')).toHaveLength(60));
  await outbound.settled();
  await pool.query(`delete from items where id <= 40`);
  await waitFor(async () =>
    expect((await pool.query(`select count(*)::int as held from tideway.held_deletions`)).rows).toEqual([{ held: 40 }]),
  );
  await outbound.settled();
  expect(app.records('items')).toHaveLength(60);
  await pool.query(`select tideway.approve_deletions(mapping => 'items')`);
  await waitFor(() => expect(app.records('items')).toHaveLength(20));
  await outbound.settled();
});

test('a TRUNCATE goes through the same guard; rows that come back withdraw it', async () => {
  const { app } = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 60) n`);
  await waitFor(() => expect(app.records('items')).toHaveLength(60));
  await outbound.settled();
  await pool.query(`truncate items`);
  await waitFor(async () =>
    expect((await pool.query(`select count(*)::int as held from tideway.held_deletions`)).rows).toEqual([{ held: 60 }]),
  );
  expect(app.records('items')).toHaveLength(60);
  await pool.query(`insert into items select n, 'item ' || n, n + 1 from generate_series(1, 60) n`);
  await waitFor(() =>
    expect(
      app.records('items').filter(({ values }) => String(Object.values(values['qty'] ?? {})) === '61'),
    ).toHaveLength(1),
  );
  await outbound.settled();
  expect(app.records('items')).toHaveLength(60);
  expect((await pool.query(`select from tideway.held_deletions`)).rows).toHaveLength(0);
});

test('backfill sends every row again, with a run that counts them', async () => {
  const { app, effects } = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 300) n`);
  await waitFor(() => expect(app.records('items')).toHaveLength(300));
  await outbound.settled();
  const before = effects().length;
  const { rows } = await pool.query<{ run: string }>(`select tideway.backfill('items') as run`);
  await waitFor(async () => {
    const { rows: runs } = await pool.query(`select status, rows_processed::int from tideway.sync_runs where id = $1`, [
      rows[0]?.run,
    ]);
    expect(runs).toEqual([{ status: 'completed', rows_processed: 300 }]);
  });
  await outbound.settled();
  expect(effects().length - before).toBe(300);
  expect(app.records('items')).toHaveLength(300);
});

test('test_connection and discover answer in their tables', async () => {
  const { app } = await outbound.stage();
  await outbound.daemon();
  await outbound.settled();
  await pool.query(`select tideway.test_connection('items')`);
  await waitFor(async () => {
    const { rows } = await pool.query(
      `select account, test_error from tideway.connections where tested_at is not null`,
    );
    expect(rows).toEqual([{ account: 'plain-account', test_error: null }]);
  });
  const [table] = [
    {
      id: 'items',
      columns: [
        { id: 'ref', type: 'number' },
        { id: 'name', type: 'text' },
        { id: 'qty', type: 'number' },
        { id: 'colour', type: 'text' },
      ],
    },
  ] as const;
  app.replaceTable(table);
  await pool.query(`select tideway.discover('items')`);
  await waitFor(async () => {
    const { rows } = await pool.query(
      `select from tideway.remote_columns where remote_table = 'items' and name = 'colour'`,
    );
    expect(rows).toHaveLength(1);
  });
  app.setToken('another');
  await pool.query(`select tideway.test_connection('items')`);
  await waitFor(async () => {
    const { rows } = await pool.query<{ test_error: string }>(`select test_error from tideway.connections`);
    expect(rows[0]?.test_error).toContain('AUTH_EXPIRED');
  });
});

test('a mapping whose column the app does not have is paused with what to mend', async () => {
  await outbound.stage({
    app: {
      tables: [
        {
          id: 'items',
          columns: [
            { id: 'ref', type: 'number' },
            { id: 'name', type: 'text' },
          ],
        },
      ],
    },
  });
  await outbound.daemon();
  await waitFor(async () => {
    const { rows } = await pool.query<{ state: string; paused_reason: string }>(
      `select state, paused_reason from tideway.mappings`,
    );
    expect(rows[0]).toMatchObject({
      state: 'paused',
      paused_reason: expect.stringContaining('has no column "qty"') as string,
    });
  });
});

test('a mapping defined while the daemon runs, and a connection whose secret is missing, need no restart', async () => {
  const daemon = await outbound.daemon();
  await waitFor(() => daemon.log().includes('Following the log'));
  const { shows } = await outbound.stage();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await shows([[1, 'hammer', 1]]);
  await pool.query(`select tideway.connect('other', 'plain', '{"base_url": "http://127.0.0.1:1"}', 'env:NOT_THERE')`);
  await waitFor(async () => {
    const { rows } = await pool.query<{ test_error: string }>(
      `select test_error from tideway.connections where name = 'other'`,
    );
    expect(rows[0]?.test_error).toContain('NOT_THERE');
  });
  await pool.query(`update items set qty = 2`);
  await shows([[1, 'hammer', 2]]);
  await daemon.stop();
});
