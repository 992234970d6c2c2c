import type pg from 'pg';
import { expect, test } from 'vitest';
import { aMapping } from '../../support/a-mapping.ts';
import { useDatabase } from '../../support/database.ts';

const { rolledBack, client } = useDatabase();

async function findings(db: pg.ClientBase): Promise<string[]> {
  const { rows } = await db.query<{ finding: string }>(
    `select severity || ': ' || "where" || ': ' || what as finding from tideway.health`,
  );
  return rows.map(({ finding }) => finding);
}

async function aWellRunMapping(db: pg.ClientBase) {
  const mapping = await aMapping(db);
  await db.query(`select * from tideway.maintain()`);
  await db.query(
    `insert into tideway_private.leases (connection, org_id, owner, epoch, expires_at) values ($1, 'default', 'd', 1, now() + interval '8 s')`,
    [mapping.connectionNumber],
  );
  return mapping;
}

test('health is empty when all is well', () =>
  rolledBack(async (db) => {
    await aWellRunMapping(db);
    expect(await findings(db)).toEqual([]);
  }));

test.each<[title: string, sql: string, finding: RegExp]>([
  ['a dead daemon', `delete from tideway_private.leases`, /^error: connection products_account: No daemon owns/],
  [
    'a request that nobody takes',
    `insert into tideway_private.requests (org_id, kind, requested_at) values ('default', 'sweep', now() - interval '5 minutes')`,
    /^error: daemon: Requests have waited for 00:05:00/,
  ],
  [
    'a refused secret',
    `update tideway.connections set state = 'unauthorized', paused_at = now()`,
    /^error: connection products_account: The connection is unauthorized/,
  ],
  [
    'a paused mapping',
    `update tideway.mappings set state = 'paused', paused_at = now(), paused_code = 'SHAPE_CHANGED'`,
    /^warning: mapping products: .*SHAPE_CHANGED/,
  ],
  [
    'a failed row',
    `insert into tideway.sync_errors (org_id, mapping_id, direction, local_key, error_class, code, message) select 'default', id, 'push', '1', 'API_ERROR', 'NOT_FOUND', 'x' from tideway.mappings`,
    /^error: mapping products: 1 errors are open, the latest NOT_FOUND/,
  ],
  [
    'held deletions',
    `with l as (insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane) select number, 'default', '1', 'r', 0 from tideway.mappings returning id, mapping) insert into tideway_private.deletions (mapping, org_id, link_id, gone_side, state) select mapping, 'default', id, 'remote', 'held' from l`,
    /^warning: mapping products: 1 deletions are held/,
  ],
  [
    'an old mark',
    `insert into tideway_private.outbox (mapping, local_key, lane, org_id, marked_at) select number, '1', 0, 'default', now() - interval '1 hour' from tideway.mappings`,
    /^warning: mapping products: The oldest row has waited 01:00:00/,
  ],
  [
    'a slot that is gone',
    `insert into tideway_private.positions (slot, system_identifier, lsn, epoch) values ('tideway_lost', '1', '0/1', 1)`,
    /^error: slot tideway_lost: The replication slot is gone/,
  ],
  [
    'what the guard found',
    `insert into tideway_private.positions (slot, system_identifier, lsn, epoch, troubles)
     values ('tideway', '1', '0/1', 1, '[{"message": "Table public.x has lost its key.", "mend": "alter table"}]')`,
    /^error: slot tideway: Table public.x has lost its key./,
  ],
  [
    'a silent run',
    `insert into tideway.sync_runs (org_id, kind, heartbeat_at) values ('default', 'sweep', now() - interval '1 hour')`,
    /^warning: run .*: A sweep run has given no sign of life for 01:00:00/,
  ],
  [
    'a row without a partition',
    `insert into tideway.sync_activity_log (org_id, action, status, created_at) values ('default', 'x', 'completed', '2020-01-01')`,
    /^error: tideway.sync_activity_log_default: 1 rows/,
  ],
])('health tells of %s', (_title, sql, finding) =>
  rolledBack(async (db) => {
    await aWellRunMapping(db);
    await db.query(sql);
    expect(await findings(db)).toContainEqual(expect.stringMatching(finding));
  }),
);

test('mapping_status puts the mapping that fails before the one that works', () =>
  rolledBack(async (db) => {
    await aMapping(db, { name: 'a' });
    const { id, number } = await aMapping(db, { name: 'b' });
    await db.query(
      `insert into tideway.sync_errors (org_id, mapping_id, direction, local_key, error_class, code, message) values ('default', $1, 'push', '1', 'API_ERROR', 'NOT_FOUND', 'x')`,
      [id],
    );
    await db.query(
      `insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane, remote_gone_at) values ($1, 'default', '1', 'r1', 0, null), ($1, 'default', '2', 'r2', 0, now())`,
      [number],
    );
    const { rows } = await db.query(`select mapping, failed, rows, last_error_code from tideway.mapping_status`);
    expect(rows).toEqual([
      { mapping: 'b', failed: '1', rows: '1', last_error_code: 'NOT_FOUND' },
      { mapping: 'a', failed: '0', rows: '0', last_error_code: null },
    ]);
  }));

test('slow syncs are below ten a minute, or below half of what their entity usually does', () =>
  rolledBack(async (db) => {
    await db.query(
      `insert into tideway.sync_progress (org_id, sync_id, entity_type, total_items, processed_count, started_at)
       select 'default', 'usual' || g, 'customer', 500, 500, clock_timestamp() - interval '1 minute' from generate_series(1, 5) g`,
    );
    await db.query(
      `insert into tideway.sync_progress (org_id, sync_id, entity_type, total_items, processed_count, started_at) values
         ('default', 'half', 'customer', 200, 200, clock_timestamp() - interval '1 minute'),
         ('default', 'same speed, other entity', 'order', 200, 200, clock_timestamp() - interval '1 minute'),
         ('default', 'crawls', 'order', 100, 5, clock_timestamp() - interval '1 minute')`,
    );
    await db.query(`select * from tideway.maintain()`);
    const { rows } = await db.query(`select sync_id, reason from tideway.slow_syncs`);
    expect(rows).toEqual([
      { sync_id: 'crawls', reason: 'below 10 items a minute' },
      { sync_id: 'half', reason: 'below half of the usual speed' },
    ]);
  }));

test('the five figures say what they cannot know', () =>
  rolledBack(async (db) => {
    await db.query(
      `insert into tideway.sync_activity_log (org_id, action, status, duration_ms, record_count, record_id)
       select 'default', 'x', case when g = 1 then 'failed' else 'completed' end, 1000, 10, case when g = 1 then 'r' end from generate_series(1, 100) g`,
    );
    await db.query(
      `insert into tideway.sync_runs (org_id, kind, status, completed_at) values ('default', 'sweep', 'completed', now()), ('default', 'sweep', 'failed', now())`,
    );
    const { rows } = await db.query(`select kpi, value, target, state from tideway.kpi_report()`);
    expect(rows).toEqual([
      { kpi: 'sync success rate', value: '99.01', target: '> 95', state: 'reached' },
      { kpi: 'average sync duration', value: '0.99', target: '< 2', state: 'reached' },
      { kpi: 'cache hit rate', value: null, target: '> 70', state: 'unknown' },
      { kpi: 'error rate', value: '0.10', target: '< 5', state: 'reached' },
      { kpi: 'nightly sync success', value: '50.00', target: '= 100', state: 'missed' },
    ]);
  }));

test.each([
  'sync_stats',
  'sync_stats_daily',
  'mapping_stats',
  'health',
  'mapping_status',
  'queue_status',
  'replication_status',
  'entity_sync_stats',
  'sync_duration_trends',
  'slow_syncs',
  'active_syncs',
])('a monitor may look at %s', async (view) => {
  const db = await client('tideway_monitor');
  await db.query(`select * from tideway.${view}`);
});
