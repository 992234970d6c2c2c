import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound } from './stage.ts';

const outbound = useOutbound();
const { pool } = outbound;

/** As many as a daemon has sessions for pushes. */
const SESSIONS = 8;

test('a daemon whose sessions are all busy keeps its leases', async () => {
  const names = Array.from({ length: SESSIONS }, (_, n) => `items_${String(n)}`);
  const stages = [];
  for (const name of names) stages.push(await outbound.stage({ name }));
  const daemon = await outbound.daemon();
  for (const name of names) await pool.query(`insert into ${name} values (1, 'hammer', 1)`);
  for (const stage of stages) await stage.shows([[1, 'hammer', 1]]);
  await outbound.settled();

  const leases = async () =>
    (
      await pool.query<{ connection: number; epoch: string; expires_at: Date }>(
        'select connection, epoch, expires_at from tideway_private.leases order by connection',
      )
    ).rows;
  const person = await pool.connect();
  try {
    await person.query(`select pg_advisory_lock(tideway_private.lock_key('claim'), number) from tideway.mappings`);
    for (const name of names) await pool.query(`update ${name} set qty = 2`);
    await waitFor(async () => {
      const { rowCount } = await pool.query(
        `select from pg_stat_activity where application_name = 'tideway/push' and wait_event = 'advisory' and datname = current_database()`,
      );
      expect(rowCount).toBe(SESSIONS);
    });
    const before = await leases();
    expect(before).toHaveLength(SESSIONS);
    await waitFor(async () => {
      const now = await leases();
      expect(now.map(({ connection, epoch }) => ({ connection, epoch }))).toEqual(
        before.map(({ connection, epoch }) => ({ connection, epoch })),
      );
      for (const [n, { expires_at: until }] of now.entries())
        expect(until.getTime()).toBeGreaterThan(before[n]?.expires_at.getTime() ?? Infinity);
    });
  } finally {
    await person.query('select pg_advisory_unlock_all()');
    person.release();
  }
  for (const stage of stages) await stage.shows([[1, 'hammer', 2]]);
  expect(daemon.log()).not.toContain('daemon.lease.lost');
});
