import type pg from 'pg';
import { expect, test } from 'vitest';
import { createMetrics, type Shown } from '../../../src/runtime/metrics.ts';
import { aMapping } from '../../support/a-mapping.ts';
import { useDatabase } from '../../support/database.ts';

const { rolledBack, client } = useDatabase();

async function valueOf(db: pg.ClientBase, name: string, labels: Record<string, string> = {}): Promise<number | null> {
  const { rows } = await db.query<{ value: number }>(
    `select value from tideway.metrics where name = $1 and labels @> $2`,
    [name, labels],
  );
  expect(rows.length, `${name} ${JSON.stringify(labels)}`).toBeLessThan(2);
  return rows[0]?.value ?? null;
}

const EVERYTHING = `
  insert into tideway_private.positions (slot, system_identifier, lsn, epoch) values ('s', '1', pg_current_wal_lsn(), 1);
  insert into tideway_private.outbox (mapping, local_key, lane, org_id, marked_at) select number, '1', 0, 'default', now() - interval '1 hour' from tideway.mappings;
  insert into tideway.sync_runs (org_id, mapping_id, kind, status, started_at, completed_at)
  select 'default', id, kind, status, now() - age, now() - age
    from tideway.mappings, (values ('sweep', 'completed', interval '3 days'), ('sweep', 'failed', interval '2 days'), ('sweep', 'failed', interval '1 day'),
                                   ('delta', 'completed', interval '1 minute'), ('full', 'completed', interval '5 days')) as r (kind, status, age);`;

test('it says what the other views say, in series', () =>
  rolledBack(async (db) => {
    await aMapping(db);
    await db.query(EVERYTHING);
    expect(await valueOf(db, 'tideway_outbox_rows', { mapping: 'products', state: 'marked' })).toBe(1);
    expect(await valueOf(db, 'tideway_outbox_oldest_mark_age_seconds', { mapping: 'products' })).toBe(3600);
    expect(await valueOf(db, 'tideway_mapping_failed_sweeps', { mapping: 'products' })).toBe(2);
    const { rows } = await db.query<{ now: number }>('select extract(epoch from now())::float8 as now');
    const { now } = rows[0]!;
    const success = (mode: string) => valueOf(db, 'tideway_mapping_last_success_timestamp_seconds', { mode });
    expect(Math.round(now - (await success('any'))!)).toBe(60);
    expect(Math.round(now - (await success('sweep'))!)).toBe(3 * 86_400);
    expect(Math.round(now - (await success('full'))!)).toBe(5 * 86_400);
    expect(await success('backfill')).toBeNull();
    expect(await valueOf(db, 'tideway_mapping_interval_seconds')).toBe(60);
    expect(await valueOf(db, 'tideway_entity_health', { entity: 'slot', name: 's', state: 'missing' })).toBe(1);
    expect(await valueOf(db, 'tideway_entity_health', { entity: 'connection', state: 'unauthorized' })).toBe(0);
    expect(await valueOf(db, 'tideway_connection_owned')).toBe(0);
    // Nobody has called maintain(), so the runs are logged there.
    expect(await valueOf(db, 'tideway_default_partition_rows', { table: 'tideway.sync_activity_log_default' })).toBe(5);
    await db.query(`update tideway.connections set state = 'unauthorized', paused_at = now()`);
    expect(await valueOf(db, 'tideway_entity_health', { entity: 'connection', state: 'unauthorized' })).toBe(1);
    // Nobody polls it now, so nothing is late.
    expect(await valueOf(db, 'tideway_mapping_interval_seconds')).toBeNull();
  }));

test('a schedule by cron is as long as the time to the next poll', () =>
  rolledBack(async (db) => {
    const { number } = await aMapping(db);
    await db.query(EVERYTHING);
    await db.query(`update tideway.mappings set schedule = '0 3 * * *'`);
    await db.query(
      `insert into tideway_private.due_reads (mapping, kind, org_id, definition, due_at) values ($1, 'poll', 'default', 'x', now() + interval '10 hours')`,
      [number],
    );
    expect(await valueOf(db, 'tideway_mapping_interval_seconds')).toBe(36_000 + 60);
  }));

test('every series is in the list of the daemon, with its labels', () =>
  rolledBack(async (db) => {
    await aMapping(db);
    await db.query(EVERYTHING);
    const { rows } = await db.query<Shown>(`select name, labels, value from tideway.metrics`);
    const metrics = createMetrics({ version: '0' });
    metrics.show(rows);
    const shown = await metrics.registry.getMetricsAsJSON();
    for (const { name, labels, value } of rows) {
      const series = shown.find((one) => one.name === name)?.values ?? [];
      expect(series, name).toContainEqual(expect.objectContaining({ labels, value }));
    }
    metrics.show(undefined);
    expect(await metrics.registry.getSingleMetricAsString('tideway_database_up')).toContain('tideway_database_up 0');
    expect(await metrics.registry.getSingleMetricAsString('tideway_outbox_rows')).not.toContain('products');
  }));

test('with several organisations a name carries the first digits of the id', () =>
  rolledBack(async (db) => {
    const one = await aMapping(db);
    const other = await aMapping(db, { org: 'other', table: 'public.other' });
    const { rows } = await db.query<{ mapping: string }>(
      `select distinct labels ->> 'mapping' as mapping from tideway.metrics where labels ? 'mapping' order by 1`,
    );
    expect(rows.map(({ mapping }) => mapping)).toEqual(
      [one.id, other.id].map((id) => `products~${id.slice(0, 8)}`).sort(),
    );
  }));

test('a monitor reads all of it, a reader that of its own organisation', () =>
  rolledBack(async (db) => {
    await aMapping(db, { name: 'ours' });
    await aMapping(db, { name: 'theirs', org: 'other', table: 'public.other' });
    const seen = async (role: string): Promise<string[]> => {
      await db.query(`set local role ${role}`);
      const { rows } = await db.query<{ mapping: string }>(
        `select distinct regexp_replace(labels ->> 'mapping', '~.*', '') as mapping from tideway.metrics where labels ? 'mapping' order by 1`,
      );
      await db.query(`reset role`);
      return rows.map(({ mapping }) => mapping);
    };
    expect(await seen('tideway_monitor')).toEqual(['ours', 'theirs']);
    await db.query(`set local tideway.org_id = 'other'`);
    expect(await seen('tideway_reader')).toEqual(['theirs']);
  }));

test('an empty database has series, too', async () => {
  const db = await client('tideway_monitor');
  const { rows } = await db.query<{ name: string }>(`select distinct name from tideway.metrics order by 1`);
  expect(rows.map(({ name }) => name)).toEqual([
    'tideway_default_partition_rows',
    'tideway_oldest_request_age_seconds',
  ]);
});
