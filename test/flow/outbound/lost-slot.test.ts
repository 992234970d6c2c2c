import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { migrateDatabase } from '../../../src/cli/migrate-database.ts';
import { currentMigrations } from '../../../src/cli/migrations.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startServer } from '../follow/server.ts';
import { useOutbound } from './stage.ts';

// A server of its own: what it keeps for slots is made very little.
const server = await startServer();
const { host, port, user, password } = server.connection;
const url = `postgres://${String(user)}:${String(password)}@${String(host)}:${String(port)}/postgres`;
await migrateDatabase({ url, current: currentMigrations().length > 0, say: () => undefined });
const pool = new pg.Pool({ connectionString: url });
pool.on('error', () => undefined);

const outbound = useOutbound({ name: 'postgres', url, pool });
afterAll(async () => {
  await pool.end();
  await server.stop();
});

test('a slot that the server gave up is replaced, and what it would have shown is found by comparing', async () => {
  const { shows, effects } = await outbound.stage();
  const daemon = await outbound.daemon();
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 5) n`);
  const rows = [1, 2, 3, 4, 5].map((n) => [n, `item ${String(n)}`, n] as const);
  await shows(rows);
  await outbound.settled();
  const writes = effects().length;
  await daemon.stop();

  await pool.query(`alter system set max_slot_wal_keep_size = '1MB'`);
  await pool.query('select pg_reload_conf()');
  await pool.query(`update items set qty = 50 where id = 5`);
  await waitFor(async () => {
    await pool.query(
      `select pg_logical_emit_message(false, 'filler', repeat('x', 1000000)) from generate_series(1, 20)`,
    );
    await pool.query('select pg_switch_wal()');
    await pool.query('checkpoint');
    const { rows: slots } = await pool.query<{ wal_status: string }>('select wal_status from pg_replication_slots');
    expect(slots).toEqual([{ wal_status: 'lost' }]);
  });
  const { rows: findings } = await pool.query<{ what: string }>('select what from tideway.health');
  expect(findings.map(({ what }) => what)).toContain(
    'The replication slot is lost: Postgres dropped log that it needs.',
  );
  await pool.query(`alter system reset max_slot_wal_keep_size`);
  await pool.query('select pg_reload_conf()');

  await outbound.daemon();
  await shows([...rows.slice(0, 4), [5, 'item 5', 50]], 30_000);
  await outbound.settled();
  expect(effects().length - writes).toBe(1);
});

test('a slot that the server gave up because nobody read it is replaced, and nothing is lost', async () => {
  const { shows, effects } = await outbound.stage();
  const first = await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await shows([[1, 'hammer', 1]]);
  await outbound.settled();
  await first.stop();
  await pool.query(`update items set qty = 2`);

  await pool.query(`alter system set idle_replication_slot_timeout = '1s'`);
  await pool.query('select pg_reload_conf()');
  await waitFor(async () => {
    await pool.query('checkpoint');
    const { rows: slots } = await pool.query('select wal_status, invalidation_reason from pg_replication_slots');
    expect(slots).toEqual([{ wal_status: 'lost', invalidation_reason: 'idle_timeout' }]);
  });
  await pool.query(`alter system reset idle_replication_slot_timeout`);
  await pool.query('select pg_reload_conf()');

  const second = await outbound.daemon();
  await shows([[1, 'hammer', 2]], 30_000);
  await outbound.settled();
  expect(second.log()).toContain('the slot had lost log that was still needed');
  expect(effects().map(({ op }) => op)).toEqual(['create', 'update']);
});
