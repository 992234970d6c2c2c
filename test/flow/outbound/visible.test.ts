import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { migrateDatabase } from '../../../src/cli/migrate-database.ts';
import { currentMigrations } from '../../../src/cli/migrations.ts';
import { dropSlot } from '../../support/drop-slot.ts';
import { waitFor } from '../../support/wait-for.ts';
import { connect, startServer } from '../follow/server.ts';
import { useOutbound } from './stage.ts';

// A server of its own: its commits hang on a standby that does not exist.
const server = await startServer();
const { host, port, user, password } = server.connection;
const url = `postgres://${String(user)}:${String(password)}@${String(host)}:${String(port)}/postgres`;
await migrateDatabase({ url, current: currentMigrations().length > 0, say: () => undefined });
// Only sessions that ask for it wait for the standby.
const setup = await connect(server.connection);
await setup.query('alter database postgres set synchronous_commit = local');
await setup.end();
const pool = new pg.Pool({ connectionString: url });
pool.on('error', () => undefined);

const outbound = useOutbound({ name: 'postgres', url, pool });
afterAll(async () => {
  await pool.end();
  await server.stop();
});

async function standby(name: string): Promise<void> {
  await pool.query(`alter system set synchronous_standby_names = '${name}'`);
  await pool.query('select pg_reload_conf()');
  await waitFor(async () => {
    const client = await connect(server.connection);
    const { rows } = await client.query<{ names: string }>(
      `select current_setting('synchronous_standby_names') as names`,
    );
    await client.end();
    return rows[0]?.names === name;
  });
}

test('a change that the log shows before any snapshot does is sent as it is, not as it was', async () => {
  const { shows, effects } = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await shows([[1, 'hammer', 1]]);
  await outbound.settled();

  await standby('nobody');
  const waiting = await connect(server.connection);
  await waiting.query('set synchronous_commit = on');
  const hung = waiting.query('update items set qty = 2');
  // The mark is there, and no SELECT shows the change.
  await waitFor(async () =>
    expect((await pool.query('select local_key from tideway_private.outbox')).rows).toEqual([{ local_key: '1' }]),
  );
  expect((await pool.query('select qty from items')).rows).toEqual([{ qty: 1 }]);
  await outbound.followed();
  expect((await pool.query('select local_key from tideway_private.outbox')).rows).toEqual([{ local_key: '1' }]);

  await standby('');
  await hung;
  await waiting.end();
  await shows([[1, 'hammer', 2]]);
  await outbound.settled();
  expect(effects().map(({ op }) => op)).toEqual(['create', 'update']);
});

test('the comparison after a lost slot waits for a commit that no snapshot shows yet', async () => {
  const { shows } = await outbound.stage();
  const first = await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1), (2, 'saw', 1)`);
  await shows([
    [1, 'hammer', 1],
    [2, 'saw', 1],
  ]);
  await outbound.settled();
  await first.stop();

  await standby('nobody');
  const waiting = await connect(server.connection);
  await waiting.query('set synchronous_commit = on');
  const hung = waiting.query('update items set qty = 2 where id = 1');
  await waitFor(async () => {
    const { rows } = await pool.query(`select from pg_stat_activity where wait_event = 'SyncRep'`);
    return rows.length === 1;
  });
  await dropSlot(pool, outbound.slot);
  await pool.query(`update items set qty = 5 where id = 2`);
  const daemon = await outbound.daemon();
  await waitFor(
    () => daemon.log().includes('Made the replication slot') || daemon.log().includes('Took the connection'),
  );
  await standby('');
  await hung;
  await waiting.end();
  await shows([
    [1, 'hammer', 2],
    [2, 'saw', 5],
  ]);
});
