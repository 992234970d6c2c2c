import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import type { Change, ChangeBatch, ChangeEvent, ChangeStream } from '../../../src/follow/change-stream.ts';
import { emitHeartbeat } from '../../../src/follow/heartbeat.ts';
import { parseLsn, type Lsn } from '../../../src/follow/lsn.ts';
import { openReader, type ReaderOptions } from '../../../src/follow/reader.ts';
import { connect, startServer, type Server } from './server.ts';

let server: Server;
let sql: Client;
let slot: string;
let count = 0;
const open: ChangeStream[] = [];

beforeAll(async () => {
  server = await startServer();
  sql = await connect(server.connection);
  await sql.query('create publication p with (publish_via_partition_root)');
}, 60_000);

afterAll(async () => {
  await sql.end();
  await server.stop();
}, 60_000);

beforeEach(async () => {
  count += 1;
  slot = `s${String(count)}`;
  await sql.query('drop schema if exists app cascade; create schema app; set search_path = app');
  await sql.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]);
});

afterEach(async () => {
  for (const stream of open.splice(0)) {
    await stream.stop();
  }
  await sql.query(
    'select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = $1 and active',
    [slot],
  );
  await sql.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1', [slot]);
});

async function read(options: Partial<ReaderOptions> = {}): Promise<ChangeStream> {
  const stream = await openReader({ connection: server.connection, slot, publication: 'p', ...options });
  open.push(stream);
  return stream;
}

/** Everything up to a heartbeat that is written now. */
async function drain(stream: ChangeStream, confirm = false): Promise<ChangeEvent[]> {
  const mark = `end ${String(Math.random())}`;
  await emitHeartbeat(sql, mark);
  await sql.query('select pg_switch_wal()');
  const seen: ChangeEvent[] = [];
  const batches = stream[Symbol.asyncIterator]();
  for (;;) {
    const next: IteratorResult<ChangeBatch, undefined> = await batches.next();
    if (next.done === true) {
      throw new Error('The stream ended early.');
    }
    const { value } = next;
    if (confirm && value.position !== undefined) {
      stream.confirm(value.position);
    }
    seen.push(...value.events);
    if (value.events.some((event) => event.kind === 'message' && event.content === mark)) {
      return seen.filter((event) => !(event.kind === 'message' && event.content === mark));
    }
  }
}

function changes(events: ChangeEvent[]): Change[] {
  return events.filter((event): event is Change => 'key' in event);
}

function brief(events: ChangeEvent[]): unknown[] {
  return changes(events).map(({ kind, relation, key, oldKey }) => [kind, relation.table, key, oldKey]);
}

async function confirmedBySlot(): Promise<Lsn> {
  const result = await sql.query<{ at: string }>(
    'select confirmed_flush_lsn::text as at from pg_replication_slots where slot_name = $1',
    [slot],
  );
  return parseLsn(result.rows[0]?.at ?? '');
}

test('each kind of change comes with its keys and its transaction', async () => {
  await sql.query(`create table t (id int primary key, v text); alter publication p add table t`);
  const stream = await read();
  await sql.query(`insert into t values (1, 'a'), (2, null)`);
  await sql.query(`update t set v = 'b' where id = 1`);
  await sql.query(`update t set id = 3 where id = 2`);
  await sql.query('delete from t where id = 1');
  const seen = await drain(stream);
  expect(brief(seen)).toEqual([
    ['insert', 't', ['1'], undefined],
    ['insert', 't', ['2'], undefined],
    ['update', 't', ['1'], undefined],
    ['update', 't', ['3'], ['2']],
    ['delete', 't', ['1'], undefined],
  ]);
  const commits = seen.filter((event) => event.kind === 'commit');
  expect(commits).toHaveLength(4);
  expect(commits.every(({ endLsn, transaction }) => endLsn > transaction.commitLsn)).toBe(true);
  expect(changes(seen)[0]?.relation).toMatchObject({ schema: 'app', keyColumns: ['id'], identity: 'default' });
});

test('keys round-trip as text whatever the session of the database prints by default', async () => {
  await sql.query(`alter database postgres set datestyle = 'German'; alter database postgres set timezone = 'Asia/Tokyo';
    alter database postgres set bytea_output = 'escape'; alter database postgres set intervalstyle = 'iso_8601'`);
  await sql.query(`create table t (a text, b uuid, c date, d timestamptz, e numeric, f float8, g bytea, h interval,
      i int generated always as identity, skipped text, primary key (a, b, c, d, e, f, g, h, i));
    alter publication p add table t`);
  const stream = await read();
  await sql.query(String.raw`insert into t values (e'it''s "q" \\ \n ü', '7c9e6679-7425-40de-944b-e07fc1f90ae7', '2026-02-03',
    '2026-02-03 04:05:06.789012+00', 12345678901234567890.1200, 0.1::float8 + 0.2, '\xdeadbeef', '1 day 2:03')`);
  await sql.query('delete from t');
  const key = [
    'it\'s "q" \\ \n ü',
    '7c9e6679-7425-40de-944b-e07fc1f90ae7',
    '2026-02-03',
    '2026-02-03 04:05:06.789012+00',
    '12345678901234567890.1200',
    '0.30000000000000004',
    '\\xdeadbeef',
    '1 day 02:03:00',
    '1',
  ];
  expect(brief(await drain(stream))).toEqual([
    ['insert', 't', key, undefined],
    ['delete', 't', key, undefined],
  ]);
  await sql.query('alter database postgres reset all');
});

test('full and index identities, unchanged TOAST, and tables without a readable key', async () => {
  await sql.query(`create table toast (id int primary key, big text, v int);
    alter table toast alter big set storage external;
    create table whole (id int primary key, v text); alter table whole replica identity full;
    create table blind (id int primary key, v text); alter table blind replica identity full;
    create table indexed (id int primary key, code text not null unique);
    alter table indexed replica identity using index indexed_code_key;
    alter publication p add table toast, whole, blind, indexed`);
  const stream = await read({ keyColumns: (_schema, table) => (table === 'whole' ? ['id'] : undefined) });
  await sql.query(`insert into toast values (1, repeat('x', 100000), 1)`);
  await sql.query('update toast set v = 2');
  await sql.query(`insert into whole values (1, 'a')`);
  await sql.query(`update whole set v = 'b'`);
  await sql.query('update whole set id = 2');
  await sql.query('delete from whole');
  await sql.query(`insert into blind values (1, 'a')`);
  await sql.query(`insert into indexed values (1, 'x')`);
  await sql.query(`update indexed set code = 'y'`);
  await sql.query('delete from indexed');
  expect(brief(await drain(stream))).toEqual([
    ['insert', 'toast', ['1'], undefined],
    ['update', 'toast', ['1'], undefined],
    ['insert', 'whole', ['1'], undefined],
    ['update', 'whole', ['1'], undefined],
    ['update', 'whole', ['2'], ['1']],
    ['delete', 'whole', ['2'], undefined],
    ['insert', 'blind', undefined, undefined],
    ['insert', 'indexed', ['x'], undefined],
    ['update', 'indexed', ['y'], ['x']],
    ['delete', 'indexed', ['y'], undefined],
  ]);
});

test('partitions report under their root, TRUNCATE names all its tables, messages and types pass', async () => {
  await sql.query(`create type mood as enum ('glad');
    create table part (id int primary key) partition by range (id);
    create table part_1 partition of part for values from (0) to (10);
    create table part_2 partition of part for values from (10) to (20);
    create table a (id int primary key, m mood); create table b (id int primary key references a);
    alter publication p add table part, a, b`);
  const stream = await read();
  await sql.query('insert into part values (1)');
  await sql.query('update part set id = 11');
  await sql.query(`insert into a values (1, 'glad')`);
  await sql.query('truncate a restart identity cascade');
  await sql.query(`begin; select pg_logical_emit_message(true, 'x', 'in'); insert into a values (2); commit`);
  const seen = await drain(stream);
  expect(brief(seen)).toEqual([
    ['insert', 'part', ['1'], undefined],
    ['delete', 'part', ['1'], undefined],
    ['insert', 'part', ['11'], undefined],
    ['insert', 'a', ['1'], undefined],
    ['insert', 'a', ['2'], undefined],
  ]);
  const truncate = seen.find((event) => event.kind === 'truncate');
  expect(truncate).toMatchObject({ cascade: true, restartIdentity: true });
  expect(truncate?.relations.map(({ table }) => table).sort()).toEqual(['a', 'b']);
  const message = seen.find((event) => event.kind === 'message');
  expect(message).toMatchObject({ prefix: 'x', content: 'in' });
  expect(message?.transaction).toBeDefined();
});

test('savepoints report the top transaction, a prepared one comes at its commit', async () => {
  await sql.query('create table t (id int primary key); alter publication p add table t');
  const stream = await read();
  await sql.query('begin');
  const top = await sql.query<{ xid: string }>('select pg_current_xact_id()::xid::text as xid');
  for (let index = 0; index < 100; index += 1) {
    await sql.query(`savepoint s; insert into t values (${String(index)})`);
  }
  await sql.query('commit');
  await sql.query(`begin; insert into t values (1000); prepare transaction 'later'`);
  await sql.query('insert into t values (1001)');
  await sql.query(`commit prepared 'later'`);
  const seen = changes(await drain(stream));
  expect(new Set(seen.slice(0, 100).map(({ transaction }) => String(transaction.xid)))).toEqual(
    new Set([top.rows[0]?.xid]),
  );
  expect(seen.slice(100).map(({ key }) => key)).toEqual([['1001'], ['1000']]);
});

test('a reader killed in the middle of a COPY carries on from what was confirmed and loses nothing', async () => {
  await sql.query('create table t (id int primary key); alter publication p add table t');
  await sql.query('insert into t select generate_series(1, 10)');
  const first = await read({ connection: { ...server.connection, options: '-c logical_decoding_work_mem=64kB' } });
  const stored = new Set<string>();
  await drain(first, true);
  const before = await confirmedBySlot();
  await sql.query("copy t from program 'seq 11 50000'");
  const next: IteratorResult<ChangeBatch, undefined> = await first[Symbol.asyncIterator]().next();
  expect(next.value?.position).toBeUndefined();
  await sql.query('select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = $1', [
    slot,
  ]);
  await expect(
    (async () => {
      for await (const batch of first) {
        expect(batch.events.length).toBeGreaterThan(0);
      }
    })(),
  ).rejects.toMatchObject({ name: 'ReaderError', kind: 'connection_lost' });
  expect(await confirmedBySlot()).toBeLessThanOrEqual(await lastEnd());
  const second = await read();
  for (const change of changes(await drain(second))) {
    stored.add(change.key?.[0] ?? '');
  }
  for (let id = 11; id <= 50_000; id += 1) {
    expect(stored.has(String(id))).toBe(true);
  }
  expect(before).toBeGreaterThan(0n);
});

async function lastEnd(): Promise<Lsn> {
  const result = await sql.query<{ at: string }>('select pg_current_wal_insert_lsn()::text as at');
  return parseLsn(result.rows[0]?.at ?? '');
}

test('the slot never runs ahead of confirm, and follows it on a clean stop', async () => {
  await sql.query('create table t (id int primary key); alter publication p add table t');
  const start = await confirmedBySlot();
  const stream = await read();
  await sql.query('insert into t values (1)');
  const seen = await drain(stream);
  const end = seen.find((event) => event.kind === 'commit')?.endLsn ?? 0n;
  expect(() => {
    stream.confirm(end + 1_000_000_000n);
  }).toThrow(RangeError);
  await stream.stop();
  expect(await confirmedBySlot()).toBe(start);
  const again = await read();
  await drain(again);
  again.confirm(end);
  await again.stop();
  expect(await confirmedBySlot()).toBe(end);
});

test('a paused consumer outlives a short wal_sender_timeout', async () => {
  await sql.query('create table t (id int primary key, v text); alter publication p add table t');
  const stream = await read({ connection: { ...server.connection, options: '-c wal_sender_timeout=1s' } });
  await sql.query(`insert into t select g, repeat('x', 500) from generate_series(1, 60000) g`);
  await sql.query('select pg_sleep(3)');
  expect(changes(await drain(stream))).toHaveLength(60_000);
});

test('failures are told apart', async () => {
  await expect(read({ slot: 'absent' })).rejects.toMatchObject({ kind: 'slot_missing', sqlstate: '42704' });
  await read();
  await expect(read()).rejects.toMatchObject({ kind: 'slot_in_use', sqlstate: '55006' });
  await expect(read({ from: 1n << 60n })).rejects.toMatchObject({ kind: 'position_ahead' });
  await expect(read({ connection: { ...server.connection, port: 1 } })).rejects.toMatchObject({
    kind: 'connection_lost',
  });
});
