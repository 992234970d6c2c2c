import { beforeAll, expect, test } from 'vitest';
import { aMapping } from '../../support/a-mapping.ts';
import { useDatabase } from '../../support/database.ts';

const { pool } = useDatabase();

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Node[];
}

const big =
  /^(links|outbox|waiting|sync_errors|sync_activity_log_\d{4}_\d{2}|sync_runs|sync_progress|hourly_counts|field_lineage_\d{4}_\d{2})$/;

beforeAll(async () => {
  await pool.query(`select * from tideway.maintain(now() - interval '31 days')`);
  await pool.query(`select * from tideway.maintain()`);
  const { id, number } = await aMapping(pool);
  await aMapping(pool, { name: 'idle' });
  const db = await pool.connect();
  await db.query(`set session_replication_role = replica`);
  await db.query(
    `insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane) select $1, 'default', g::text, 'r' || g, 0 from generate_series(1, 120000) g`,
    [number],
  );
  await db.query(
    `insert into tideway.sync_errors (org_id, mapping_id, direction, local_key, error_class, code, message)
     select 'default', $1, 'push', g::text, 'API_ERROR', 'NOT_FOUND', 'gone' from generate_series(1, 30000) g`,
    [id],
  );
  await db.query(
    `insert into tideway_private.waiting (mapping, local_key, org_id, reason) select $1, g::text, 'default', 'retry' from generate_series(1, 30000) g`,
    [number],
  );
  await db.query(
    `insert into tideway_private.outbox (mapping, local_key, lane, org_id) select $1, g::text, 0, 'default' from generate_series(1, 30000) g`,
    [number],
  );
  await db.query(
    `insert into tideway.sync_activity_log (org_id, mapping_id, sync_id, action, status, duration_ms, created_at)
     select 'default', $1, g::text, 'push', case when g % 100 = 0 then 'failed' else 'completed' end, 7, now() - g * interval '12 seconds' from generate_series(1, 200000) g`,
    [id],
  );
  await db.query(
    `insert into tideway.sync_runs (org_id, mapping_id, kind, status, started_at, completed_at)
     select 'default', $1, 'pull', 'completed', now() - g * interval '1 minute', now() from generate_series(1, 20000) g`,
    [id],
  );
  await db.query(`set session_replication_role = origin`);
  await db.query(`vacuum analyze`);
  await db.query(`select * from tideway.maintain()`);
  db.release();
}, 120_000);

/** The rows of big tables that a query reads, table by table. */
async function touched(sql: string): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ 'QUERY PLAN': readonly { Plan: Node }[] }>(
    `explain (analyze, costs off, timing off, summary off, format json) ${sql}`,
  );
  const found: Record<string, number> = {};
  const walk = (node: Node): void => {
    const table = node['Relation Name'];
    if (table !== undefined && big.test(table)) {
      found[table] =
        (found[table] ?? 0) + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
    }
    node.Plans?.forEach(walk);
  };
  walk(rows[0]!['QUERY PLAN'][0]!.Plan);
  return found;
}

test.each([
  ['mapping_status', 12_000],
  ['queue_status', 12_000],
  ['entity_sync_stats', 12_000],
  ['active_syncs', 0],
  [`sync_logs order by created_at desc limit 10`, 10],
  [`sync_logs where status = 'error' order by created_at desc limit 10`, 10],
  [`recent_logs order by created_at desc limit 100`, 200],
  [`failed_rows limit 100`, 200],
  [`sync_history order by created_at desc limit 20`, 20],
  [`sync_stats where hour > now() - interval '24 hours' order by hour desc`, 100],
] as const)('%s reads few rows of each big table', async (question, most) => {
  for (const [table, rows] of Object.entries(await touched(`select * from tideway.${question}`)))
    expect({ table, few: rows <= most, rows }).toMatchObject({ few: true });
});

test('a look at the last day leaves the other months alone', async () => {
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(
    `explain (analyze, costs off, timing off, summary off) select count(*) from tideway.sync_logs where created_at > now() - interval '1 hour'`,
  );
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toMatch(/Subplans Removed: \d/);
  expect(plan).not.toMatch(/Seq Scan on sync_activity_log_\S+ \S+ \(actual rows=[1-9]/);
});
