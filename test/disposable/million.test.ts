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
