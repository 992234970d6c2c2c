import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { useOutbound } from '../flow/outbound/stage.ts';
import { startDisposableServer } from '../support/disposable-server.ts';
import { waitFor } from '../support/wait-for.ts';

const server = await startDisposableServer({ settings: { max_wal_size: '2GB', wal_sender_timeout: '5s' } });
const { pool, url } = server;
const outbound = useOutbound({ name: 'postgres', url, pool });
afterAll(() => server.remove());

/** Whatever the size of the transaction. */
const BOUND = 165;

const megabytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]) / 1024;

test('a transaction of a million rows, and one as large of updates, leave the daemon small', async () => {
  await outbound.stage();
  const daemon = await outbound.daemon();
  await outbound.settled();
  const idle = megabytes(daemon.pid);
  let most = idle;
  const sampling = setInterval(() => (most = Math.max(most, megabytes(daemon.pid))), 100);
  try {
    // The outbox takes the million; the app need not.
    await pool.query(`select tideway.pause('items')`);
    const began = Date.now();
    await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 1000000) n`);
    await outbound.followed(280_000);
    const inserted = Date.now();
    await pool.query(`update items set qty = qty + 1`);
    await outbound.followed(280_000);
    console.log(
      `RSS ${idle.toFixed(0)} MB idle, ${most.toFixed(0)} MB at most; a million inserts in ${((inserted - began) / 1000).toFixed(0)} s, updates in ${((Date.now() - inserted) / 1000).toFixed(0)} s`,
    );
  } finally {
    clearInterval(sampling);
  }
  const { rows } = await pool.query<{ marks: number }>('select count(*)::int as marks from tideway_private.outbox');
  await waitFor(() => expect(rows).toEqual([{ marks: 1_000_000 }]));
  expect(daemon.log()).not.toContain('follow.log.interrupted');
  expect(most).toBeLessThan(BOUND);
}, 600_000);

test('a hundred thousand changes of hours offline are worked off in order per row, and leave the daemon small', async () => {
  const stage = await outbound.stage();
  const first = await outbound.daemon();
  await pool.query(`insert into items select n, 'item ' || n, 0 from generate_series(1, 2000) n`);
  await waitFor(() => stage.app.records('items').length === 2_000, { within: 120_000 });
  await outbound.settled(60_000);
  const before = stage.effects().length;
  await first.stop();

  for (let round = 1; round <= 50; round += 1) await pool.query(`update items set qty = $1`, [round]);
  await pool.query(`delete from items where id > 1990; insert into items values (3000, 'late', 50)`);

  const daemon = await outbound.daemon();
  let most = 0;
  const sampling = setInterval(() => (most = Math.max(most, megabytes(daemon.pid))), 100);
  try {
    // While it catches up, somebody goes on changing: what is read last is what counts.
    await pool.query(`update items set qty = 51 where id <= 10`);
    await outbound.settled(200_000);
  } finally {
    clearInterval(sampling);
  }
  const wanted = Array.from({ length: 1_990 }, (_, i) => [i + 1, `item ${String(i + 1)}`, i < 10 ? 51 : 50] as const);
  await stage.shows([...wanted, [3_000, 'late', 50]]);
  // Never an older value of a row after a newer one, and few requests for so many changes.
  const last = new Map<string, number>();
  for (const { id, values } of stage.effects().slice(before)) {
    const qty = Number(JSON.stringify(values['qty'] ?? null).replace(/\D/g, '') || Number.NaN);
    if (Number.isNaN(qty)) continue;
    expect(qty).toBeGreaterThanOrEqual(last.get(id) ?? 0);
    last.set(id, qty);
  }
  expect(stage.effects().length - before).toBeLessThan(2_100);
  console.log(`${most.toFixed(0)} MB at most`);
  // What is being pushed is alive beside what is read.
  expect(most).toBeLessThan(BOUND + 50);
}, 600_000);

test('an account with a hundred thousand rows that wait keeps the ten of another one waiting for none of them', async () => {
  const noisy = await outbound.stage({ name: 'noisy' });
  noisy.app.fail({ path: '/write', count: 1_000_000, with: { kind: 'delay', milliseconds: 500 } });
  const quiet = await outbound.stage({ name: 'quiet' });
  await outbound.daemon();
  await pool.query(`insert into quiet values (0, 'first', 0)`);
  await waitFor(() => quiet.app.records('items').length === 1);
  await outbound.settled();
  await pool.query(`insert into noisy select n, 'item ' || n, n from generate_series(1, 100000) n`);
  await outbound.followed(120_000);
  await waitFor(() => noisy.writes() > 0);
  const took: number[] = [];
  for (let ref = 1; ref <= 10; ref += 1) {
    const began = Date.now();
    await pool.query(`insert into quiet values ($1, 'row', $1)`, [ref]);
    await waitFor(() => quiet.app.records('items').length === ref + 1, { within: 30_000 });
    took.push(Date.now() - began);
  }
  const { rows } = await pool.query<{ marks: number }>(
    `select count(*)::int as marks from tideway_private.outbox o join tideway.mappings m on m.number = o.mapping where m.name = 'noisy'`,
  );
  expect(rows[0]?.marks).toBeGreaterThan(50_000);
  console.log(`Rows of the quiet account took ${took.sort((a, b) => a - b).join(', ')} ms`);
}, 600_000);
