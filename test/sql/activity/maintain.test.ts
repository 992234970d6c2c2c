import { expect, test } from 'vitest';
import { aMapping } from '../../support/a-mapping.ts';
import { useDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';

const { rolledBack, client } = useDatabase();

const partitions = `select partition::text, lower, upper, row_security from tideway_private.partitions('tideway.sync_activity_log') where not is_default order by lower`;

test('partitions are made for this month and the next three, protected, and the default one is emptied', () =>
  rolledBack(async (db) => {
    await db.query(`set local timezone = 'America/New_York'`);
    await db.query(
      `insert into tideway.sync_activity_log (org_id, action, status, created_at) values ('default', 'x', 'completed', '2026-10-31 23:30+00'), ('default', 'x', 'failed', '2026-11-01 00:00+00')`,
    );
    expect((await db.query(`select "where" from tideway.health where "where" like '%default'`)).rows).toHaveLength(1);
    await db.query(`select * from tideway.maintain('2026-11-15 12:00+00')`);
    const { rows } = await db.query<{ partition: string; row_security: boolean }>(partitions);
    expect(rows.map(({ partition }) => partition)).toEqual(
      ['2026_10', '2026_11', '2026_12', '2027_01', '2027_02'].map((month) => `tideway.sync_activity_log_${month}`),
    );
    expect(rows.every(({ row_security }) => row_security)).toBe(true);
    const { rows: where } = await db.query(
      `select tableoid::regclass::text as place from tideway.sync_activity_log order by created_at`,
    );
    expect(where).toEqual([
      { place: 'tideway.sync_activity_log_2026_10' },
      { place: 'tideway.sync_activity_log_2026_11' },
    ]);
    expect((await db.query(`select "where" from tideway.health where "where" like '%default'`)).rows).toEqual([]);
    expect(
      (await db.query(`select * from tideway.maintain('2026-11-15 12:01+00') where task like 'partition%'`)).rows,
    ).toEqual([]);
  }));

test('a partition made by hand, in another time zone, is kept and gets row-level security', () =>
  rolledBack(async (db) => {
    await db.query(`set local timezone = 'Europe/Berlin'`);
    await db.query(
      `create table tideway.sync_activity_log_2026_12 partition of tideway.sync_activity_log for values from ('2026-12-01') to ('2027-01-01')`,
    );
    await db.query(`alter table tideway.sync_activity_log_2026_12 owner to tideway_owner`);
    await db.query(`set local timezone = 'UTC'`);
    const { rows: tasks } = await db.query(
      `select task, object from tideway.maintain('2026-11-15') where object like '%activity_log_2026_12'`,
    );
    expect(tasks).toEqual([{ task: 'row security turned on', object: 'tideway.sync_activity_log_2026_12' }]);
    const { rows } = await db.query<{ lower: Date; upper: Date; row_security: boolean }>(partitions);
    expect(rows.every(({ row_security }) => row_security)).toBe(true);
    for (const [n, { lower }] of rows.slice(1).entries()) expect(lower).toEqual(rows[n]!.upper);
  }));

test('whole months past their time go, and nothing younger', () =>
  rolledBack(async (db) => {
    await db.query(`select * from tideway.maintain('2026-11-15')`);
    await db.query(
      `insert into tideway.sync_activity_log (org_id, action, status, created_at) values ('default', 'x', 'completed', '2026-11-30 23:59:59+00')`,
    );
    await db.query(`select * from tideway.maintain('2026-12-30 23:59:00+00')`);
    expect((await db.query(`select count(*)::int as n from tideway.sync_activity_log`)).rows).toEqual([{ n: 1 }]);
    const { rows } = await db.query(
      `select task, object from tideway.maintain('2026-12-31 00:00:00+00') where task = 'partition dropped' order by object`,
    );
    expect(rows).toEqual([
      { task: 'partition dropped', object: 'tideway.sync_activity_log_2026_11' },
      { task: 'partition dropped', object: 'tideway_private.field_lineage_2026_11' },
    ]);
  }));

test('each kind has its own time: what is open or running stays', () =>
  rolledBack(async (db) => {
    const mapping = await aMapping(db);
    await db.query(`update tideway.retention set keep = '7 days' where kind = 'errors'`);
    await db.query(
      `insert into tideway.sync_errors (org_id, mapping_id, direction, local_key, error_class, code, message, resolved_at)
       values ('default', $1, 'push', '1', 'INTERNAL', 'INTERNAL', 'open', null), ('default', $1, 'push', '2', 'INTERNAL', 'INTERNAL', 'closed', now())`,
      [mapping.id],
    );
    await db.query(
      `insert into tideway.sync_progress (org_id, sync_id, entity_type, total_items, processed_count) values ('default', 'done', 'x', 1, 1)`,
    );
    await db.query(
      `insert into tideway.sync_preview_cache (org_id, sync_type, cache_key, delta_json) values ('default', 'odoo', 'k', '{}')`,
    );
    await db.query(`select * from tideway.maintain(now() + interval '8 days')`);
    expect((await db.query(`select message from tideway.sync_errors`)).rows).toEqual([{ message: 'open' }]);
    expect((await db.query(`select count(*)::int as n from tideway.sync_preview_cache`)).rows).toEqual([{ n: 0 }]);
    expect((await db.query(`select count(*)::int as n from tideway.sync_progress`)).rows).toEqual([{ n: 1 }]);
    await db.query(`select * from tideway.maintain(now() + interval '31 days')`);
    expect((await db.query(`select count(*)::int as n from tideway.sync_progress`)).rows).toEqual([{ n: 0 }]);
  }));

test('of polls that found nothing the newest of a mapping stays, and every poll that found something', () =>
  rolledBack(async (db) => {
    const mapping = await aMapping(db);
    await db.query(
      `insert into tideway.sync_runs (org_id, mapping_id, kind, trigger, status, rows_created, started_at, completed_at, metadata)
       select 'default', $1, x.kind, x.trigger, x.status, x.created, now() - x.age, now() - x.age, jsonb_build_object('is', x.name)
         from (values ('idle', 'delta', 'scheduled', 'completed', 0, interval '3 days'), ('idle', 'delta', 'scheduled', 'completed', 0, '2 days'),
                      ('newest', 'delta', 'scheduled', 'completed', 0, '26 hours'), ('busy', 'delta', 'scheduled', 'completed', 3, '3 days'),
                      ('asked for', 'delta', 'sql', 'completed', 0, '3 days'), ('sweep', 'sweep', 'scheduled', 'completed', 0, '3 days'),
                      ('failed', 'delta', 'scheduled', 'failed', 0, '3 days')) as x (name, kind, trigger, status, created, age)`,
      [mapping.id],
    );
    const { rows } = await db.query(
      `select affected from tideway.maintain() where task = 'runs of idle polls deleted'`,
    );
    expect(rows).toEqual([{ affected: '2' }]);
    expect((await db.query(`select metadata ->> 'is' as left from tideway.sync_runs order by 1`)).rows).toEqual(
      ['asked for', 'busy', 'failed', 'newest', 'sweep'].map((left) => ({ left })),
    );
  }));

test('a sync that reports nothing for an hour times out', () =>
  rolledBack(async (db) => {
    await db.query(
      `insert into tideway.sync_progress (org_id, sync_id, entity_type, total_items) values ('default', 's', 'x', 10)`,
    );
    await db.query(`select * from tideway.maintain(now() + interval '59 minutes')`);
    expect((await db.query(`select status from tideway.sync_progress`)).rows).toEqual([{ status: 'running' }]);
    await db.query(`select * from tideway.maintain(now() + interval '61 minutes')`);
    expect((await db.query(`select status from tideway.sync_progress`)).rows).toEqual([{ status: 'timeout' }]);
    expect((await db.query(`select status from tideway.sync_activity_log`)).rows).toEqual([{ status: 'timeout' }]);
  }));

test('the statistics are the same before and after an hour is counted', () =>
  rolledBack(async (db) => {
    const mapping = await aMapping(db);
    await db.query(
      `insert into tideway.sync_activity_log (org_id, mapping_id, entity_type, action, status, record_count, duration_ms, attempt_number, created_at)
       select 'default', case when g % 2 = 0 then $1::uuid end, 'customer', 'x', (array['completed', 'failed', 'completed_with_errors', 'timeout'])[1 + (g * g) % 4], g, g * 10, g % 3,
              date_trunc('hour', now()) - interval '90 minutes' + g * interval '20 seconds'
         from generate_series(1, 200) g`,
      [mapping.id],
    );
    const looks = [
      'sync_stats order by hour',
      'mapping_stats order by hour',
      'sync_stats_daily',
      'sync_duration_trends',
    ];
    const look = async () => {
      const found: object[][] = [];
      for (const view of looks) found.push((await db.query<object>(`select * from tideway.${view}`)).rows);
      return found;
    };
    const before = await look();
    expect(before[0]!.length).toBeGreaterThan(1);
    await db.query(`select * from tideway.maintain()`);
    expect(await look()).toEqual(before);
    await db.query(
      `insert into tideway.sync_activity_log (org_id, action, status, created_at) values ('default', 'late', 'completed', date_trunc('hour', now()) - interval '80 minutes')`,
    );
    await db.query(`select * from tideway.maintain()`);
    const { rows } = await db.query(`select sum(total_syncs)::int as n from tideway.sync_stats`);
    expect(rows).toEqual([{ n: 201 }]);
  }));

test("a clock in the future is the owner's alone", async () => {
  const db = await client();
  await db.query(`create role surface_operator login in role tideway_operator`);
  try {
    await db.query(`set session authorization surface_operator`);
    await expect(db.query(`select * from tideway.maintain(now() + interval '40 days')`)).rejects.toMatchObject({
      code: '42501',
    });
    await db.query(`select * from tideway.maintain()`);
  } finally {
    await db.query(`reset session authorization`);
    await db.query(`drop role surface_operator`);
  }
});

test('two calls do not collide: the second leaves the work to the first', async () => {
  const [one, two] = [await client(), await client()];
  await one.query(`begin; select * from tideway.maintain()`);
  const { rows } = await two.query(`select task from tideway.maintain()`);
  expect(rows).toEqual([{ task: 'left to the call that is running' }]);
  await one.query(`rollback`);
});

test('what somebody holds a lock on is left for the next call, the rest is done', async () => {
  const [holder, caller] = [await client(), await client()];
  await holder.query(`begin; lock table tideway.sync_activity_log_default in row exclusive mode`);
  const { rows } = await caller.query<{ task: string; object: string }>(
    `select task, object from tideway.maintain('2020-06-15')`,
  );
  expect(rows).toContainEqual({
    task: 'left for the next call: somebody holds a lock',
    object: 'tideway.sync_activity_log',
  });
  expect(rows).toContainEqual({ task: 'partition made', object: 'tideway_private.field_lineage_2020_06' });
  await holder.query(`rollback`);
});

test('a row that is written while its month gets a partition finds it', async () => {
  const [maker, writer, watcher] = await Promise.all([client(), client(), client()]);
  await maker.query('begin');
  await maker.query(`select tideway_private.make_partition('tideway.sync_activity_log', '2020-05-15')`);
  const { rows: who } = await writer.query<{ pid: number }>('select pg_backend_pid() as pid');
  const written = writer.query<{ place: string }>(
    `insert into tideway.sync_activity_log (org_id, action, status, created_at) values ('default', 'x', 'completed', '2020-05-20')
     returning tableoid::regclass::text as place`,
  );
  await waitFor(async () => {
    const { rows } = await watcher.query(`select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'`, [
      who[0]?.pid,
    ]);
    return rows.length === 1;
  });
  await maker.query('commit');
  expect((await written).rows).toEqual([{ place: 'tideway.sync_activity_log_2020_05' }]);
  await maker.query('drop table tideway.sync_activity_log_2020_05');
});
