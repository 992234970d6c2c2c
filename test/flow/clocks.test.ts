import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { signedHeaders } from '../apps/plain/plain-webhooks.ts';
import { clockOff } from '../support/clock-off.ts';
import type { RunningDaemon } from '../support/daemon.ts';
import { waitFor } from '../support/wait-for.ts';
import { doorOf } from './http/door.ts';
import { useOutbound } from './outbound/stage.ts';

const flow = useOutbound();
const { pool } = flow;

const HOURS = 3_600_000;
const SECRET = 'shared secret of the app';

/** An hour of the server's day, counted from the present one. */
const hour = (from: number): string => `${String((new Date().getUTCHours() + 24 + from) % 24).padStart(2, '0')}:00`;

test('a machine whose clock is hours ahead, and one whose clock is hours behind, work by the clock of the server', async () => {
  const stage = await flow.stage({
    direction: 'both',
    // Open now, and neither three hours later nor earlier.
    mapping: { schedule: '1 s', sweep_schedule: 'manual', windows: [{ from: hour(-1), to: hour(2) }] },
  });
  await pool.query(`select tideway.set_webhook_secret('items', 'env:WEBHOOK_SECRET')`);
  const { rows: urls } = await pool.query<{ url: string }>(`select tideway.webhook_url('items') as url`);
  const path = urls[0]?.url ?? '';

  /** What leases, retries, polls, windows and signed times decide, once all round. */
  const goesRound = async (daemon: RunningDaemon, qty: number): Promise<void> => {
    expect(daemon.log()).toContain('daemon.clock.differs');
    stage.app.fail({ path: '/write', with: { kind: 'status', status: 503 } });
    await pool.query(`insert into items values (1, 'hammer', $1) on conflict (id) do update set qty = excluded.qty`, [
      qty,
    ]);
    await stage.shows([[1, 'hammer', qty]]);
    await flow.settled();
    const { rows: leases } = await pool.query(
      `select from tideway_private.leases where expires_at between clock_timestamp() and clock_timestamp() + interval '8 s'`,
    );
    expect(leases).toHaveLength(1);

    stage.edit({ op: 'update', id: stage.record(1)?.id ?? '', values: { qty: qty + 1 } });
    await stage.holds([[1, 'hammer', qty + 1]]);
    // Due neither hours from now nor long ago, which would be all the time.
    await waitFor(async () => {
      const { rows } = await pool.query(
        `select from tideway_private.due_reads
          where kind = 'poll' and due_at between clock_timestamp() - interval '30 s' and clock_timestamp() + interval '30 s'`,
      );
      expect(rows).toHaveLength(1);
    });

    const ring = (at: number): Promise<Response> => {
      const body = JSON.stringify({ changed: [{ table: 'items', ids: [stage.record(1)?.id] }] });
      const headers = signedHeaders(SECRET, randomUUID(), Math.floor(at / 1000), body);
      return fetch(`${doorOf(daemon)}${path}`, { method: 'POST', body, headers });
    };
    expect([(await ring(Date.now())).status, (await ring(Date.now() + 3 * HOURS)).status]).toEqual([202, 401]);
  };

  const ahead = await flow.daemon({ ...clockOff(3 * HOURS), WEBHOOK_SECRET: SECRET });
  await goesRound(ahead, 10);
  const behind = await flow.daemon({ ...clockOff(-3 * HOURS), WEBHOOK_SECRET: SECRET });
  await ahead.stop();
  await goesRound(behind, 20);
});
