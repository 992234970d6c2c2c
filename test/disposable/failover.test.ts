import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { useOutbound } from '../flow/outbound/stage.ts';
import { startDisposableServer, type DisposableServer } from '../support/disposable-server.ts';
import { freePort } from '../support/free-port.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait-for.ts';

// People and the daemon come in by one address, and do not know which server stands behind it.
const net = await startTcpProxy();
const servers: DisposableServer[] = [];
servers.push(await startDisposableServer());
const behind = Object.assign(new URL(servers[0]?.url ?? ''), { port: String(net.port) }).href;
net.leadTo(servers[0]?.port ?? 0);
const pool = new pg.Pool({ connectionString: behind });
pool.on('error', () => undefined);
const outbound = useOutbound({ name: 'postgres', url: behind, pool });
afterAll(async () => {
  await pool.end();
  await net.stop();
  await Promise.all(servers.map((server) => server.remove()));
});

/** A standby of the present server; `promote` makes it the one behind the address. */
async function standbyOf(primary: DisposableServer, syncsSlots: boolean) {
  await primary.pool.query(
    `select pg_create_physical_replication_slot('standby')
      where not exists (select from pg_replication_slots where slot_name = 'standby')`,
  );
  await primary.stop();
  const directory = mkdtempSync(join(tmpdir(), 'tideway-standby-'));
  primary.copy(directory);
  writeFileSync(join(directory, 'data', 'standby.signal'), '');
  await primary.start(syncsSlots ? { synchronized_standby_slots: 'standby' } : {});
  const { username, password } = new URL(primary.url);
  const port = await freePort();
  // A standby counts as started once it is promoted.
  const promoted = startDisposableServer({
    directory,
    port,
    migrate: false,
    settings: {
      primary_conninfo: `host=127.0.0.1 port=${String(primary.port)} user=${username} password=${password} dbname=postgres`,
      primary_slot_name: 'standby',
      hot_standby_feedback: 'on',
      sync_replication_slots: syncsSlots ? 'on' : 'off',
      synchronized_standby_slots: '',
    },
  });
  const url = Object.assign(new URL(primary.url), { port: String(port) }).href;
  const ask = async <Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Row>(sql, [...values])).rows;
    } finally {
      await client.end();
    }
  };
  await waitFor(() => ask('select 1'), { within: 30_000 });
  return {
    ask,
    promote: async () => {
      await ask('select pg_promote()');
      servers.push(await promoted);
      net.leadTo(port);
    },
  };
}

async function doubts(): Promise<string[]> {
  const { rows } = await pool.query<{ doubt: string }>(
    `select metadata ->> 'doubt' as doubt from tideway.sync_activity_log where action = 'compare' order by created_at`,
  );
  return rows.map(({ doubt }) => doubt);
}

test.each([
  ['with the slot on the standby goes on where it was', true, []],
  ['without the slot on the standby makes a new one, and compares every row', false, ['the slot was gone']],
] as const)('a failover %s: nothing is lost or doubled', async (_, syncsSlots, wanted) => {
  const primary = servers.at(-1);
  if (primary === undefined) throw new Error('There is no server.');
  const standby = await standbyOf(primary, syncsSlots);
  const stage = await outbound.stage({ app: { idempotency: false } });
  await outbound.daemon();
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 20) n`);
  await waitFor(() => stage.app.records('items').length === 20, { within: 30_000 });
  await outbound.settled(30_000);
  if (syncsSlots) {
    await waitFor(
      async () =>
        expect(
          await standby.ask(`select synced, temporary from pg_replication_slots where slot_name = $1`, [outbound.slot]),
        ).toEqual([{ synced: true, temporary: false }]),
      { within: 60_000 },
    );
  }
  const before = await doubts();

  await pool.query(`update items set qty = qty + 100 where id <= 5; insert into items values (21, 'item 21', 21)`);
  const { rows } = await pool.query<{ lsn: string }>('select pg_current_wal_lsn() as lsn');
  await waitFor(async () => {
    const [at] = await standby.ask<{ there: boolean }>('select pg_last_wal_replay_lsn() >= $1::pg_lsn as there', [
      rows[0]?.lsn,
    ]);
    return at?.there === true;
  });
  await primary.kill('SIGQUIT');
  await standby.promote();
  await pool.query(`update items set qty = qty + 1000 where id = 20`);

  const qty = (n: number): number => n + (n <= 5 ? 100 : n === 20 ? 1000 : 0);
  await stage.shows(
    Array.from({ length: 21 }, (__, i) => [i + 1, `item ${String(i + 1)}`, qty(i + 1)] as const),
    60_000,
  );
  await outbound.settled(60_000);
  expect(stage.effects().filter(({ op }) => op === 'create')).toHaveLength(21);
  expect((await doubts()).slice(before.length)).toEqual(wanted);
});
