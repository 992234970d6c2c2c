import type pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, type Mapping, useEngine, waitsForLock } from '../../support/engine.ts';
import { waitFor } from '../../support/wait-for.ts';

const database = useDatabase();
let engine: Engine;
let person: pg.Client;
let second: pg.Client;
beforeAll(async () => {
  engine = await useEngine(database);
  person = await database.client(engine.ownerRole);
  second = await database.client('tideway_daemon');
});

const table = 'id integer primary key, v integer';
const linked = async (count = 3, options: Record<string, string | number> = {}) => {
  const map = await engine.aMapping({ table, options });
  await map.page(Array.from({ length: count }, (_, n) => ({ id: `r${String(n + 1)}`, fields: { Id: n + 1, V: 0 } })));
  return map;
};
const xidOf = async (session: pg.ClientBase) =>
  (
    await engine.one<{ xid: string }>(
      'select (pg_current_xact_id()::text::numeric % 4294967296)::text as xid',
      [],
      session,
    )
  ).xid;

test('a mark whose transaction no snapshot shows yet is not claimed, and is claimed once it is visible', async () => {
  const map = await linked();
  await person.query('begin');
  const xid = await xidOf(person);
  await person.query(`update ${map.table} set v = 1 where id = 1`);
  await map.mark(['1'], { xid });
  expect(await map.claim()).toBe(null);
  await person.query('commit');
  expect((await map.push()).map((item) => item.payload)).toEqual([{ V: 1 }]);
});

test('other marks do not wait for one that is not visible', async () => {
  const map = await linked();
  await person.query('begin');
  const xid = await xidOf(person);
  await map.mark(['1'], { xid });
  await engine.owner.query(`update ${map.table} set v = 2 where id = 2`);
  await map.mark(['2']);
  expect((await map.push()).map((item) => item.local_key)).toEqual(['2']);
  await person.query('rollback');
  await map.push();
  expect(await map.outbox()).toEqual([]);
});

test('the 32 bits of the log become the full number nearest to now, before and behind an epoch', async () => {
  const { rows } = await engine.pool.query<{ ok: boolean }>(`
    select (tideway_private.widen_xids(array[((x.xmax + d) % 4294967296 + 4294967296)::bigint % 4294967296]))[1]::text::numeric = x.xmax + d as ok
      from (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as xmax) x,
           unnest(array[0, 1, -1, 5, 2147483647, -300]) d`);
  expect(rows.every((row) => row.ok)).toBe(true);
});

test('coalescing keeps the number of the later commit in WAL order, not the greater', async () => {
  const map = await linked();
  await map.mark(['1'], { xid: '700' });
  await map.mark(['1'], { xid: '650', op: 2 });
  expect(await map.outbox()).toEqual([
    expect.objectContaining({ xid: expect.stringMatching(/650$/) as string, op: 3 }),
  ]);
});

test('a follower that was replaced writes neither marks nor position', async () => {
  const map = await linked();
  const old = await engine.startFollowing('old');
  await engine.startFollowing('new');
  await expect(engine.follow({ changes: [{ table: map.table, key: '1' }] }, { epoch: old })).rejects.toMatchObject({
    code: 'TWFOL',
  });
  expect(await map.outbox()).toEqual([]);
});

test('on another system the numbers of marks are forgotten and all connections wait for a person', async () => {
  const map = await linked();
  await map.mark(['1'], { xid: '700' });
  await engine.startFollowing('restored', '2');
  expect(await map.outbox()).toEqual([expect.objectContaining({ xid: null })]);
  expect(await map.claim()).toBe(null);
  await engine.pool.query('select tideway.resume_connection(name) from tideway.connections');
  await engine.startFollowing('restored', '1');
  await engine.pool.query('select tideway.resume_connection(name) from tideway.connections');
});

test('a change that arrives during the push makes a new mark and is sent after it', async () => {
  const map = await linked();
  await engine.owner.query(`update ${map.table} set v = 1 where id = 1`);
  await map.mark(['1']);
  const batch = (await map.claim()) ?? '';
  const [item] = await map.prepare(batch);
  await engine.owner.query(`update ${map.table} set v = 2 where id = 1`);
  await map.mark(['1']);
  expect(await map.claim()).toBe(null);
  await map.complete(batch, [{ link_id: item?.link_id ?? '', result: 'written', shown: { V: 1 } }]);
  expect((await map.push()).map((next) => next.payload)).toEqual([{ V: 2 }]);
});

test('one batch is in flight per lane, and other lanes go on', async () => {
  const map = await linked(40);
  await engine.owner.query(`update ${map.table} set v = 1`);
  await map.mark(Array.from({ length: 40 }, (_, n) => String(n + 1)));
  const first = (await map.claim({ lanes: 255 })) ?? '';
  expect(await map.claim({ lanes: 255 })).toBe(null);
  const other = (await map.claim()) ?? '';
  const keys = [...(await map.prepare(first)), ...(await map.prepare(other))].map((item) => item.local_key);
  expect(new Set(keys).size).toBe(40);
});

test('a claim does not wait for a follower that is writing marks, nor the follower for a claim', async () => {
  const map = await linked();
  await map.mark(['2']);
  await second.query('begin');
  await engine.follow({ changes: [{ table: map.table, key: '1' }] }, { on: second });
  expect(await map.claim()).not.toBe(null);
  await second.query('commit');
  expect((await map.outbox()).map((mark) => mark.local_key)).toEqual(['1']);
});

test('an open transaction with retry_row, backfill and sync_now blocks neither follower nor claim nor page', async () => {
  const map = await linked();
  const operator = await database.client();
  await operator.query('begin');
  await operator.query(`select tideway.retry_row($1, '1')`, [map.name]);
  await operator.query(`select tideway.backfill($1)`, [map.name]);
  await operator.query(`select tideway.sync_now($1)`, [map.name]);
  await engine.daemon.query(`set lock_timeout = '500ms'`);
  await map.mark(['1', '2', '3']);
  await engine.owner.query(`update ${map.table} set v = 9`);
  expect(await map.push()).toHaveLength(3);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 5 } }]);
  expect(await map.takeRequests()).toEqual([]);
  await operator.query('commit');
  expect((await map.takeRequests()).map((request) => request.kind)).toHaveLength(2);
  expect((await map.outbox()).map((mark) => mark.op)).toEqual([4]);
  await engine.daemon.query('reset lock_timeout');
});

test('a row in back-off stays there whatever happens to it, and a failed row that changes gets a new start', async () => {
  const map = await linked();
  await engine.owner.query(`update ${map.table} set v = 1`);
  await map.mark(['1', '2']);
  await map.push((item) =>
    item.local_key === '1'
      ? { result: 'retry', class: 'API_ERROR', retry_after_ms: 3_600_000 }
      : { result: 'refused', class: 'VALIDATION_ERROR' },
  );
  await engine.owner.query(`update ${map.table} set v = 2`);
  await map.mark(['1', '2']);
  expect((await map.push()).map((item) => [item.local_key, item.payload])).toEqual([['2', { V: 2 }]]);
  expect(await map.waiting()).toEqual([
    expect.objectContaining({ local_key: '1', reason: 'retry', due: true, marked: true, attempts_finished: 1 }),
  ]);
  await map.dueNow();
  expect((await map.push()).map((item) => [item.local_key, item.payload, item.attempt])).toEqual([['1', { V: 2 }, 2]]);
  expect(await map.waiting()).toEqual([]);
  expect(await map.errors()).toEqual([]);
});

/** How many rows of its tables this transaction has read. */
const rowsRead = async () =>
  (
    await engine.one<{ read: Record<string, number> }>(
      `select jsonb_object_agg(relname, seq_tup_read + idx_tup_fetch) as read from pg_stat_xact_all_tables
        where schemaname = 'tideway_private' and relname in ('links', 'outbox', 'waiting')`,
    )
  ).read;

test('what waits is found by its key, however little waited when the session first asked', async () => {
  const map = await linked();
  const { number: connection } = await engine.one<{ number: number }>(
    `select c.number from tideway.connections c join tideway.mappings m on m.connection_id = c.id where m.number = $1`,
    [map.number],
  );
  const askAll = async () => {
    await engine.one('select tideway_private.look_for_work(array[$1::integer])', [connection]);
    await engine.one('select tideway_private.waiting_marks($1, 5000)', [map.number]);
    await engine.one('select tideway_private.release_due($1)', [map.number]);
    await map.claim();
    await engine.one('select tideway_private.return_batches($1, $2, $3)', [connection, map.epoch, map.number]);
  };
  await engine.pool.query('vacuum tideway_private.outbox, tideway_private.waiting');
  // A session keeps a plan once it has made it five times.
  for (let n = 0; n < 7; n += 1) {
    await map.mark(['1']);
    await askAll();
  }

  const keys = Array.from({ length: 2_000 }, (_, n) => String(n + 10));
  await map.page(keys.map((key) => ({ id: `r${key}`, fields: { Id: Number(key), V: 0 } })));
  await map.mark(keys);
  await engine.pool.query(
    `insert into tideway_private.waiting (mapping, local_key, org_id, reason, due_at, op, marked)
     select $1, key, 'default', 'retry', now(), 1, true from unnest($2::text[]) key`,
    [map.number, keys],
  );
  await engine.one('begin');
  const before = await rowsRead();
  await askAll();
  const after = await rowsRead();
  await engine.one('commit');
  // Some rows are looked at twice and more, but none once for each other.
  for (const [name, rows] of Object.entries(after))
    expect(rows - (before[name] ?? 0), name).toBeLessThanOrEqual(10 * keys.length);
});

test('a row that is tried again is found by its key among many', async () => {
  const map = await linked(2_000);
  await engine.one('begin');
  const { links: before = 0 } = await rowsRead();
  await engine.one(`select tideway_private.carry_out_retry($1, '{"local_key": "7"}')`, [map.number]);
  const { links: after = 0 } = await rowsRead();
  await engine.one('commit');
  expect(after - before).toBeLessThan(10);
});

test('a row whose attempts are used up is failed, and limits of the app do not count', async () => {
  const map = await linked(1, { max_attempts: 2 });
  await engine.owner.query(`update ${map.table} set v = 1`);
  await map.mark(['1']);
  for (let n = 0; n < 4; n += 1) {
    await map.push(() => ({ result: 'retry', class: n % 2 === 0 ? 'RATE_LIMIT' : 'NETWORK_ERROR' }));
    await map.dueNow();
  }
  expect(await map.waiting()).toEqual([expect.objectContaining({ reason: 'retry', attempts_finished: 0 })]);
  for (let n = 0; n < 2; n += 1) {
    await map.push(() => ({ result: 'retry', class: 'API_ERROR' }));
    await map.dueNow();
  }
  expect(await map.waiting()).toEqual([
    expect.objectContaining({ reason: 'failed', due: false, attempts_finished: 2 }),
  ]);
  expect(await map.claim()).toBe(null);
});

test('settle waits for an editor to stop, but not for a person who asks', async () => {
  const map = await linked(2, { settle: '1 hour' });
  await engine.owner.query(`update ${map.table} set v = 1`);
  await map.mark(['1', '2']);
  expect(await map.claim()).toBe(null);
  await engine.pool.query(`select tideway.retry_row($1, '2')`, [map.name]);
  await map.takeRequests();
  expect((await map.push()).map((item) => item.local_key)).toEqual(['2']);
});

test('a paused row is left alone in both directions until it is resumed', async () => {
  const map = await linked();
  await engine.pool.query(`select tideway.pause_row($1, '1')`, [map.name]);
  await map.takeRequests();
  await engine.owner.query(`update ${map.table} set v = 1`);
  await map.mark(['1', '2']);
  expect((await map.push()).map((item) => item.local_key)).toEqual(['2']);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 7 } }]);
  expect(await map.row(1)).toMatchObject({ v: 1 });
  await engine.pool.query(`select tideway.resume_row($1, '1')`, [map.name]);
  await map.takeRequests();
  await map.page([{ id: 'r1', fields: { Id: 1, V: 0 } }]);
  expect((await map.push()).map((item) => [item.local_key, item.payload])).toEqual([['1', { V: 1 }]]);
});

const keyed = async (count: number): Promise<Mapping> => {
  const map = await engine.aMapping({ table: 'id integer primary key, v text' });
  await engine.owner.query(`insert into ${map.table} select n, 'v' || n from generate_series(1, $1) n`, [count]);
  await map.mark(Array.from({ length: count }, (_, n) => String(n + 1)));
  await map.push();
  return map;
};
const places = async (map: Awaited<ReturnType<typeof keyed>>) =>
  Object.fromEntries((await map.links()).map((link) => [link.remote_id ?? '', link.local_key] as const));

test('a key that moves takes its link and its record with it', async () => {
  const map = await keyed(2);
  await engine.owner.query(`update ${map.table} set id = 9 where id = 1`);
  await map.move([['1', '9']]);
  await map.mark(['1'], { op: 2 });
  await map.mark(['9']);
  expect((await map.push()).map(({ op, remote_id, payload }) => ({ op, remote_id, payload }))).toEqual([
    { op: 'update', remote_id: 'r1', payload: { Id: 9 } },
  ]);
  expect(await places(map)).toEqual({ r1: '9', r2: '2' });
});

test('chains and swaps of keys end as they did in the table', async () => {
  const map = await keyed(3);
  // 1 → 10, 2 → 1, 3 → 2 and then a swap of 1 and 2 by way of 99.
  await map.move([
    ['1', '10'],
    ['2', '1'],
    ['3', '2'],
    ['1', '99'],
    ['2', '1'],
    ['99', '2'],
  ]);
  await engine.owner.query(
    `update ${map.table} set id = id + 100; update ${map.table} set id = case id when 101 then 10 when 102 then 2 when 103 then 1 end`,
  );
  await map.mark(['1', '2', '3', '10']);
  await map.push();
  expect(await places(map)).toEqual({ r1: '10', r2: '2', r3: '1' });
});

test('two rows that hold one key for a moment, under a deferred constraint, end each with their own', async () => {
  const map = await keyed(2);
  await map.move([
    ['1', '2'],
    ['2', '1'],
  ]);
  await engine.daemon.query('select tideway_private.apply_key_moves($1)', [map.number]);
  expect(await places(map)).toEqual({ r1: '2', r2: '1' });
});

test('a key move that no snapshot shows yet holds its mapping back, and is applied then', async () => {
  const map = await keyed(2);
  await person.query('begin');
  const xid = await xidOf(person);
  await person.query(`update ${map.table} set id = 9 where id = 1`);
  await map.move([['1', '9']], xid);
  await map.mark(['2']);
  expect(await map.page([{ id: 'r2', fields: { Id: 2, V: 'x' } }])).toMatchObject({ again: 'key_moves' });
  expect(await map.push()).toEqual([]);
  await person.query('commit');
  expect(await map.page([])).not.toHaveProperty('again');
  await map.dueNow();
  await map.push();
  expect(await places(map)).toEqual({ r1: '9', r2: '2' });
});

test('every function of the daemon refuses an owner whose lease is over', async () => {
  const map = await linked();
  await engine.owner.query(`update ${map.table} set v = 1 where id = 1`);
  await map.mark(['1']);
  const batch = (await map.claim()) ?? '';
  const items = await map.prepare(batch);
  const old = map.epoch;
  await map.takeOver('second');
  const asked = await engine.ask();
  const calls: [string, unknown[]][] = [
    ['select tideway_private.claim_push($1, $2, 10)', [map.number, old]],
    ['select tideway_private.prepare_push($1, $2)', [batch, old]],
    [`select tideway_private.apply_page($1, $2, $3, $4, now(), '')`, [map.number, map.usual, old, asked.asked]],
    [
      'select tideway_private.apply_deletions($1, $2, $3, $4, array[]::text[])',
      [map.number, map.usual, old, asked.asked],
    ],
    ['select * from tideway_private.compare_range($1, $2)', [map.number, old]],
    ['select * from tideway_private.compare_links($1, $2)', [map.number, old]],
  ];
  for (const [sql, values] of calls)
    await expect(engine.daemon.query(sql, values), sql).rejects.toMatchObject({ code: 'TWLSE' });
  expect(
    await map.complete(
      batch,
      items.map((item) => ({ link_id: item.link_id, result: 'written' as const })),
      { epoch: old },
    ),
  ).toEqual({ late: true });
  expect(await engine.all('select * from tideway_private.take_requests($1, $2)', [map.connection, old])).toEqual([]);
  expect((await map.links())[0]?.sent).toEqual({ v: 1 });
});

test('a lease is taken by one, renewed under its epoch, and taken over only when it is over', async () => {
  const map = await linked(0);
  expect(await engine.takeLease(map.connection, 'second')).toBe(null);
  expect(await engine.takeLease(map.connection, 'first')).toBe(map.epoch);
  await engine.daemon.query('update tideway_private.leases set expires_at = now() where connection = $1', [
    map.connection,
  ]);
  expect(Number(await engine.takeLease(map.connection, 'second'))).toBeGreaterThan(Number(map.epoch));
});

test('a renewal waits for no work that runs under the lease', async () => {
  const map = await linked();
  await second.query('begin');
  await map.page([{ id: 'r1', fields: { Id: 1, V: 3 } }], { on: second });
  await engine.daemon.query(`set lock_timeout = '100 ms'`);
  expect(await engine.takeLease(map.connection, 'first')).toBe(map.epoch);
  // Nor does the daemon that stands by wait to hear that it is not its turn.
  expect(await engine.takeLease(map.connection, 'another')).toBe(null);
  await engine.daemon.query('reset lock_timeout');
  await second.query('rollback');
});

test('a take-over waits for the transaction of the old owner that has begun', async () => {
  const map = await linked();
  await second.query('begin');
  await map.page([{ id: 'r1', fields: { Id: 1, V: 3 } }], { on: second });
  const taken = engine.daemon.query(
    `update tideway_private.leases set owner = 'x', epoch = epoch + 1 where connection = $1`,
    [map.connection],
  );
  await waitFor(() => waitsForLock(engine, engine.daemon as pg.Client & { processID: number }));
  await second.query('commit');
  await taken;
});

test('a comparison finds what differs, on both sides of the table', async () => {
  const map = await linked(5);
  await engine.owner.query(
    `update ${map.table} set v = 9 where id = 2; delete from ${map.table} where id = 4; insert into ${map.table} values (8, 8)`,
  );
  const range = await engine.one<{ keys: string[]; checked: number }>(
    'select * from tideway_private.compare_range($1, $2)',
    [map.number, map.epoch],
  );
  expect(range).toMatchObject({ keys: ['2', '8'], checked: 5 });
  const links = await engine.one<{ keys: string[] }>('select * from tideway_private.compare_links($1, $2)', [
    map.number,
    map.epoch,
  ]);
  expect(links.keys).toEqual(['4']);
  const walked: string[] = [];
  for (let after: string | null = null; ;) {
    const step: { last_key: string | null; checked: number } = await engine.one(
      'select * from tideway_private.compare_range($1, $2, $3, 2, true)',
      [map.number, map.epoch, after],
    );
    walked.push(String(step.checked));
    if (step.checked < 2) break;
    after = step.last_key;
  }
  expect(walked).toEqual(['2', '2', '1']);
});

test('a comparison marks the row that its filter cannot take, and goes on with the others', async () => {
  const map = await engine.aMapping({ table, options: { filter: '10 / v > 0' } });
  await map.page([1, 2, 3].map((id) => ({ id: `r${String(id)}`, fields: { Id: id, V: id } })));
  const compared = (): Promise<{ keys: string[] | null; last_key: string; checked: number }> =>
    engine.one('select * from tideway_private.compare_range($1, $2)', [map.number, map.epoch]);
  // The last one is not to be in the app.
  await engine.owner.query(`insert into ${map.table} values (4, 20)`);
  expect(await compared()).toEqual({ keys: null, last_key: '4', checked: 4 });
  await engine.owner.query(`update ${map.table} set v = case id when 2 then 0 else 9 end where id in (2, 3)`);
  expect(await compared()).toEqual({ keys: ['2', '3'], last_key: '4', checked: 4 });
});

test('a comparison of a mapping that keeps listed rows leaves the others alone', async () => {
  const map = await engine.aMapping({ table, options: { item_type: 'product', filter: 'list' } });
  await engine.database.pool.query(
    `select tideway.add_to_sync_list('product', 'shopify', 'netsuite', array['r1', 'r2'])`,
  );
  await map.page([1, 2].map((id) => ({ id: `r${String(id)}`, fields: { Id: id, V: id } })));
  await engine.owner.query(`insert into ${map.table} values (3, 3)`);
  const compared = async (): Promise<string[] | null> =>
    (
      await engine.one<{ keys: string[] | null }>('select * from tideway_private.compare_range($1, $2)', [
        map.number,
        map.epoch,
      ])
    ).keys;
  expect(await compared()).toBe(null);
  await engine.owner.query(`update ${map.table} set v = 9`);
  expect(await compared()).toEqual(['1', '2']);
  // What left the list has to fall asleep.
  await engine.database.pool.query(`delete from tideway.sync_list where source_id = 'r2'`);
  await engine.owner.query(`update ${map.table} set v = id`);
  expect(await compared()).toEqual(['2']);
});

test('a row that leaves the filter sleeps, or is deleted there, as the mapping says; it comes back on its return', async () => {
  for (const [exit, op] of [
    ['keep', undefined],
    ['delete', 'delete'],
  ] as const) {
    const map = await engine.aMapping({ table, options: { filter: 'v < 10', on_filter_exit: exit } });
    await map.page([{ id: 'r1', fields: { Id: 1, V: 0 } }]);
    await engine.owner.query(`update ${map.table} set v = 11`);
    await map.mark(['1']);
    expect((await map.push())[0]?.op).toBe(op);
    await engine.owner.query(`update ${map.table} set v = 5`);
    await map.mark(['1']);
    const [back] = await map.push((item) => ({
      result: 'written',
      remote_id: item.remote_id ?? 'r2',
      shown: item.payload,
    }));
    expect(back).toMatchObject(exit === 'keep' ? { op: 'update', payload: { V: 5 } } : { op: 'create' });
  }
});

test('parents first: a row waits for the record of its parent, and carries its id', async () => {
  const connection = 'family';
  const parent = await engine.aMapping({ table, name: 'parents', connection });
  const child = await engine.aMapping({
    table: 'id integer primary key, parent integer',
    columns: ['id', { local: 'parent', in: 'lookup:parents', out: 'lookup:parents', type: 'string' }],
    connection,
  });
  await engine.owner.query(`insert into ${parent.table} values (7, 0); insert into ${child.table} values (1, 7)`);
  await child.mark(['1']);
  expect(await child.push()).toEqual([]);
  expect(await child.waiting()).toEqual([expect.objectContaining({ reason: 'dependency' })]);
  await parent.mark(['7']);
  await parent.push();
  await child.dueNow();
  expect((await child.push()).map((item) => item.payload)).toEqual([{ Id: 1, Parent: 'r7' }]);
  const page = await child.page([
    { id: 'c2', fields: { Id: 2, Parent: ['r8'] } },
    { id: 'c3', fields: { Id: 3, Parent: 'r7' } },
    { id: 'c4', fields: { Id: 4, Parent: null } },
  ]);
  expect(page).toMatchObject({ created: 2, deferred: 1 });
  expect(await child.rows()).toEqual([
    { id: 1, parent: 7 },
    { id: 3, parent: 7 },
    { id: 4, parent: null },
  ]);
  await parent.page([{ id: 'r8', fields: { Id: 8, V: 0 } }]);
  await child.page([{ id: 'c2', fields: { Id: 2, Parent: ['r8'] } }]);
  expect(await child.row(2)).toEqual({ id: 2, parent: 8 });
  expect(await child.errors()).toEqual([]);
  await child.mark(['2', '3']);
  expect(await child.push()).toEqual([]);
});
