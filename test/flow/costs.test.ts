import { beforeAll, expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { ended, sync } from './inbound/sync.ts';
import { useOutbound, type Stage } from './outbound/stage.ts';

const flow = useOutbound();
const { pool, name: database } = flow;

// So many that reading them all is never the cheaper way to a page or a batch.
const ROWS = 20_000;
const CHANGED = 500;
// What the stand-in gives in a page, and takes in a write.
const PAGES = ROWS / 200;
const FULL_BATCHES = CHANGED / 100;

beforeAll(async () => {
  await pool.query(`alter database ${database} set track_functions = 'pl'`);
  // Where autovacuum looks at them in the middle of a read, the one walk through the links goes past their index, and counts as a scan.
  await pool.query('alter table tideway_private.seen_pages set (autovacuum_enabled = off)');
});

/** Without a look at the links, which would count as a scan of them. */
const quiet = () =>
  waitFor(
    async () => {
      const { rows } =
        await pool.query(`select (select count(*) from tideway_private.outbox) + (select count(*) from tideway_private.in_flight)
        + (select count(*) from tideway_private.waiting) as open`);
      expect(rows).toEqual([{ open: '0' }]);
    },
    { within: 60_000 },
  );

/** A backend tells its figures at the latest when it ends, which is a little after its client. */
const told = () =>
  waitFor(async () => {
    const { rowCount } = await pool.query(
      `select from pg_stat_activity where datname = current_database() and application_name like 'tideway/%'`,
    );
    expect(rowCount).toBe(0);
  });

/** What one life of the daemon costs. */
async function spent(stage: Stage, work: () => Promise<unknown>) {
  const before = stage.app.requests().length;
  await told();
  await pool.query('select pg_stat_reset()');
  const daemon = await flow.daemon();
  await work();
  await daemon.stop();
  await told();
  const { rows: calls } = await pool.query<{ name: string; calls: number }>(
    `select funcname as name, calls::integer from pg_stat_user_functions
      where funcname in ('prepare_push', 'complete_push', 'apply_page') and calls > 0`,
  );
  const { rows: tables } = await pool.query<{ name: string; written: string; scans: number }>(
    `select relname as name, n_tup_ins || ' + ' || n_tup_upd || ' - ' || n_tup_del as written, seq_scan::integer as scans
       from pg_stat_user_tables where relname in ('items', 'links', 'outbox')`,
  );
  return {
    requests: stage.app
      .requests()
      .slice(before)
      .filter((request) => request.includes('/records')).length,
    calls: Object.fromEntries(calls.map(({ name, calls: times }) => [name, times])),
    written: Object.fromEntries(tables.map(({ name, written }) => [name, written])),
    scans: Object.fromEntries(tables.filter(({ name }) => name !== 'outbox').map(({ name, scans }) => [name, scans])),
  };
}

/** A change that waits in the outbox, all of it, when the next daemon starts. */
async function waiting(change: string): Promise<void> {
  const daemon = await flow.daemon();
  await pool.query(`select tideway.pause('items')`);
  await pool.query(change);
  await flow.followed();
  await daemon.stop();
  await pool.query('analyze');
}

// The daily housekeeping counts the linked rows once; nothing else may read big tables from end to end.
const SCANS = { links: 1, items: 0 };

test('pages, batches and changes that are none cost these requests, calls and written rows, and no scan of a big table', async () => {
  const stage = await flow.stage({ direction: 'both', mapping: { schedule: 'manual', sweep_schedule: 'manual' } });
  for (let ref = 1; ref <= ROWS; ref += 1) {
    stage.edit({ op: 'create', values: { ref, name: `item ${String(ref)}`, qty: ref } });
  }
  const read = async () => ended(pool, await sync(pool, 'full'));
  const push = async () => {
    await pool.query(`select tideway.resume('items')`);
    await quiet();
  };
  const first = await spent(stage, async () => {
    await read();
    await flow.followed();
    await quiet();
  });
  expect(first.written).toMatchObject({ items: `${String(ROWS)} + 0 - 0`, links: `${String(ROWS)} + 0 - 0` });
  expect(first.calls).not.toHaveProperty('complete_push');
  await pool.query('analyze');

  const nothing = await spent(stage, read);
  expect(nothing).toEqual({
    requests: PAGES,
    calls: { apply_page: PAGES + 1 },
    written: { items: '0 + 0 - 0', links: '0 + 0 - 0', outbox: '0 + 0 - 0' },
    scans: SCANS,
  });

  for (const { id } of stage.app.records('items').slice(0, CHANGED))
    stage.edit({ op: 'update', id, values: { qty: -1 } });
  const theirs = await spent(stage, async () => {
    await read();
    await flow.followed();
    await quiet();
  });
  expect(theirs).toMatchObject({
    requests: PAGES,
    calls: { apply_page: PAGES + 1 },
    written: {
      items: `0 + ${String(CHANGED)} - 0`,
      links: `0 + ${String(CHANGED)} - 0`,
      outbox: `${String(CHANGED)} + 0 - ${String(CHANGED)}`,
    },
    scans: SCANS,
  });

  await waiting(`update items set name = name where id <= ${String(CHANGED)}`);
  const same = await spent(stage, push);
  expect(same).toMatchObject({
    requests: 0,
    written: { links: '0 + 0 - 0', outbox: `0 + 0 - ${String(CHANGED)}` },
    scans: SCANS,
  });
  expect(same.calls).not.toHaveProperty('complete_push');

  await waiting(`update items set qty = 7 where id <= ${String(CHANGED)}`);
  const ours = await spent(stage, push);
  // What will be sent is noted before it leaves, and settled by the answer.
  expect(ours).toMatchObject({
    written: { links: `0 + ${String(2 * CHANGED)} - 0`, outbox: `0 + 0 - ${String(CHANGED)}` },
    scans: SCANS,
  });
  expect(ours.calls['prepare_push']).toBe(ours.requests);
  expect(ours.calls['complete_push']).toBe(ours.requests);
  // Lanes that work side by side leave a few batches less than full.
  expect(ours.requests).toBeLessThanOrEqual(FULL_BATCHES + 4);
});
