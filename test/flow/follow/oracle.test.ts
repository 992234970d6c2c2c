import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { ChangeStream } from '../../../src/follow/change-stream.ts';
import { emitHeartbeat } from '../../../src/follow/heartbeat.ts';
import { openReader } from '../../../src/follow/reader.ts';
import { connect, startServer, type Server } from './server.ts';

let server: Server;
let source: Client;
let copy: Client;
let stream: ChangeStream | undefined;

beforeAll(async () => {
  server = await startServer();
  source = await connect(server.connection);
  await source.query('create database copy');
  copy = await connect({ ...server.connection, database: 'copy' });
}, 60_000);

afterAll(async () => {
  // Also after a failure: a stream or a subscription that goes on would keep the server from stopping.
  await stream?.stop();
  await copy.query('drop subscription if exists native');
  await copy.end();
  await source.end();
  await server.stop();
}, 60_000);

/** Repeatable by its seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('rows named by the reader, read again, equal what a native subscription makes of the same changes', async () => {
  const table = 'create table t (a int, b text, v int, primary key (a, b))';
  await source.query(`${table}; create publication p for table t`);
  await copy.query(table);
  await source.query(`select pg_create_logical_replication_slot(s, 'pgoutput') from unnest(array['ours', 'native']) s`);
  const { host, port, user, password } = server.connection;
  await copy.query(`create subscription native connection
    'host=${String(host)} port=${String(port)} user=${String(user)} password=${String(password)} dbname=postgres'
    publication p with (create_slot = false, copy_data = false, slot_name = 'native')`);
  stream = await openReader({ connection: server.connection, slot: 'ours', publication: 'p' });

  const seed = Date.now() % 1_000_000;
  const pick = random(seed);
  for (let round = 0; round < 300; round += 1) {
    const key = `${String(pick(40))}, 'k''"${String(pick(3))}'`;
    const a = String(pick(40));
    const statements = [
      `insert into t (a, b, v) values (${key}, ${String(pick(9))}) on conflict (a, b) do update set v = excluded.v + 1`,
      `update t set v = v + 1 where a % 7 = ${String(pick(7))}`,
      `update t set a = a + ${String(1000 * (round + 1))} where a = ${a}`,
      `delete from t where (a, b) = (${key})`,
      `insert into t values (${key}, 0) on conflict do nothing; savepoint s; delete from t; rollback to s`,
    ];
    await source.query(`begin; ${statements[pick(statements.length)] ?? ''}; ${pick(8) === 0 ? 'rollback' : 'commit'}`);
    if (round === 100) {
      await copy.query('alter table t add w text');
      await source.query(`alter table t add w text default 'new'; update t set w = b`);
    }
    if (round === 150) {
      await source.query('truncate t');
    }
  }
  const end = await emitHeartbeat(source, 'end');
  await source.query('create table flush_the_log ()');

  const touched = new Set<string>();
  const ours = new Map<string, unknown>();
  reading: for await (const batch of stream) {
    for (const event of batch.events) {
      if (event.kind === 'truncate') {
        touched.clear();
      } else if ('key' in event) {
        for (const key of [event.key, event.oldKey]) {
          touched.add(JSON.stringify(key ?? []));
        }
      } else if (event.kind === 'message' && event.lsn >= end) {
        break reading;
      }
    }
  }
  touched.delete('[]');
  for (const name of touched) {
    const found = await source.query('select t.* from t where (a::text, b) = ($1, $2)', JSON.parse(name) as string[]);
    if (found.rows.length > 0) {
      ours.set(name, found.rows[0]);
    }
  }
  await expect
    .poll(
      async () => {
        const at = await source.query<{ done: boolean }>(
          `select confirmed_flush_lsn >= $1::pg_lsn as done from pg_replication_slots where slot_name = 'native'`,
          [`${(end >> 32n).toString(16)}/${(end & 0xffffffffn).toString(16)}`],
        );
        return at.rows[0]?.done;
      },
      { timeout: 30_000 },
    )
    .toBe(true);
  const native = await copy.query<{ a: number; b: string }>('select * from t');
  expect(
    new Map(native.rows.map((row) => [JSON.stringify([String(row.a), row.b]), row])),
    `seed ${String(seed)}`,
  ).toEqual(ours);
  expect(ours.size).toBeGreaterThan(10);
}, 60_000);
