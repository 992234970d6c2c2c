import type pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { useDatabase } from '../support/database.ts';

const { client, pool } = useDatabase();

/** A session as PostgREST makes one: a login that is trusted, a role, and claims. */
async function asClient(role: 'tideway_operator' | 'tideway_reader', org: string, user: string): Promise<pg.Client> {
  const db = await client();
  await db.query(`select set_config('request.jwt.claims', $1, false)`, [JSON.stringify({ org_id: org, sub: user })]);
  await db.query(`set search_path = tideway, public`);
  await db.query(`set role ${role}`);
  return db;
}

let operator: pg.Client;
let reader: pg.Client;
let stranger: pg.Client;

beforeAll(async () => {
  await pool.query(`insert into tideway.organisations (org_id) values ('org-123'), ('org-456')`);
  operator = await asClient('tideway_operator', 'org-123', 'user-1');
  reader = await asClient('tideway_reader', 'org-123', 'user-2');
  stranger = await asClient('tideway_operator', 'org-456', 'user-9');
});

/** Everybody in turn: the operator and the reader see the rows, the stranger sees none. */
async function expectSeen(sql: string, rows: number): Promise<void> {
  expect((await operator.query(sql)).rows).toHaveLength(rows);
  expect((await reader.query(sql)).rows).toHaveLength(rows);
  expect((await stranger.query(sql)).rows).toHaveLength(0);
}

describe('progress, as a client reports it', () => {
  const start = `insert into sync_progress (org_id, sync_id, entity_type, total_items, initiated_by, source_system)
                 values ('org-123', $1, 'customer', 5000, 'user-1', 'woocommerce') returning *`;

  test('start, update, look, complete', async () => {
    const { rows } = await operator.query(start, ['sync-woo-1']);
    expect(rows[0]).toMatchObject({ processed_count: '0', failed_count: '0', completed_at: null });
    await operator.query(
      `update sync_progress set processed_count = 2500, failed_count = 3, current_item = 2503 where org_id = 'org-123' and sync_id = 'sync-woo-1' returning *`,
    );
    await expectSeen(
      `select * from sync_progress where org_id = 'org-123' and completed_at is null order by updated_at desc`,
      1,
    );
    await operator.query(
      `update sync_progress set failed_count = 2500 where org_id = 'org-123' and sync_id = 'sync-woo-1'`,
    );
    await expectSeen(
      `select * from sync_activity_log where sync_id = 'sync-woo-1' and status = 'completed_with_errors'`,
      1,
    );
    await expectSeen(`select * from sync_progress where org_id = 'org-123' and completed_at is null`, 0);
  });

  test('counts beyond the total are refused by the check', async () => {
    await operator.query(start, ['sync-woo-2']);
    await expect(
      operator.query(`update sync_progress set processed_count = 4999, failed_count = 2 where sync_id = 'sync-woo-2'`),
    ).rejects.toThrow(/violates check constraint/);
  });

  test('another organisation is refused with 42501 and a hint, and a reader may not write', async () => {
    await expect(stranger.query(start, ['sync-woo-3'])).rejects.toMatchObject({
      code: '42501',
      hint: expect.any(String) as string,
    });
    await expect(reader.query(start, ['sync-woo-4'])).rejects.toMatchObject({ code: '42501' });
  });
});

describe('the audit trail', () => {
  test('a client logs an error of one record', async () => {
    await operator.query(
      `insert into sync_activity_log (org_id, sync_id, entity_type, action, status, record_count, error_message, user_id, created_at)
       values ('org-123', 'sync-woo-9', 'customer', 'batch_process', 'completed_with_errors', 1, 'boom', 'user-1', now())`,
    );
    await expectSeen(
      `select * from sync_activity_log where org_id = 'org-123' and sync_id = 'sync-woo-9' and created_at > now() - interval '7 days' order by created_at desc limit 1000`,
      1,
    );
    await expectSeen(
      `select * from sync_activity_log where org_id = 'org-123' and sync_id = 'sync-woo-9' and status in ('failed', 'completed_with_errors', 'timeout')
        and created_at > now() - interval '30 days' order by created_at desc`,
      1,
    );
    await expectSeen(
      `select * from sync_activity_log where org_id = 'org-123' and user_id = 'user-1' and sync_id = 'sync-woo-9' order by created_at desc limit 100`,
      1,
    );
  });

  test('a partition is made by hand as printed', async () => {
    const owner = await client('tideway_owner');
    await owner.query(`set search_path = tideway, public`);
    await owner.query(
      `create table if not exists sync_activity_log_2025_11 partition of sync_activity_log for values from ('2025-11-01') to ('2025-12-01')`,
    );
  });

  test('slow syncs, failed syncs and duration trends answer', async () => {
    await operator.query(
      `select sync_id, entity_type, processed_count, speed_items_per_min, elapsed_seconds, (elapsed_seconds::numeric / processed_count) as seconds_per_item
         from sync_progress where org_id = 'org-123' and speed_items_per_min > 0 and speed_items_per_min < 10 order by speed_items_per_min asc`,
    );
    const { rows } = await operator.query(
      `select sync_id, entity_type, status, error_count, error_message from failed_syncs where sync_id = 'sync-woo-9'`,
    );
    expect(rows).toEqual([
      {
        sync_id: 'sync-woo-9',
        entity_type: 'customer',
        status: 'completed_with_errors',
        error_count: '1',
        error_message: 'boom',
      },
    ]);
    await expectSeen(
      `select entity_type, count(*) as sync_count, avg(duration_seconds) as avg_duration_sec, max(duration_seconds) as max_duration_sec, sum(record_count) as total_records
         from sync_activity_log where org_id = 'org-123' and created_at > now() - interval '30 days' and status in ('completed', 'completed_with_errors')
        group by entity_type order by entity_type`,
      1,
    );
    await expectSeen(
      `select entity_type, sync_count, avg_duration_sec, max_duration_sec, total_records from sync_duration_trends`,
      1,
    );
  });
});

describe('monitoring', () => {
  test('success rate, durations, recent errors and hourly volume', async () => {
    const { rows } = await operator.query(
      `select count(*) filter (where status = 'success') * 100.0 / count(*) as success_rate_pct, count(*) filter (where status = 'error') as error_count, count(*) as total_syncs
         from sync_logs where created_at > now() - interval '24 hours'`,
    );
    expect(rows).toEqual([{ success_rate_pct: '0.00000000000000000000', error_count: '2', total_syncs: '2' }]);
    await operator.query(
      `select avg(duration_ms)::integer as avg_ms, min(duration_ms) as min_ms, max(duration_ms) as max_ms, percentile_cont(0.95) within group (order by duration_ms)::integer as p95_ms
         from sync_logs where created_at > now() - interval '24 hours' and status = 'success'`,
    );
    await expectSeen(
      `select created_at, record_id, message, error_details, attempt_number from sync_logs where status = 'error' order by created_at desc limit 10`,
      2,
    );
    await expectSeen(`select * from sync_stats where hour > now() - interval '24 hours' order by hour desc`, 1);
    await expectSeen(`select * from sync_stats order by hour desc limit 24`, 1);
    await expectSeen(`select * from sync_logs order by created_at desc limit 10`, 2);
  });
});

describe('patterns and lists', () => {
  test('a pattern is saved, an item is added and toggled', async () => {
    await operator.query(
      `insert into saved_search_patterns (name, description, direction, filter_config)
       values ('Active Electronics', 'All active electronic products', 'netsuite-to-shopify', '{"status": ["active"], "category": "Electronics", "priceMin": 10}') returning *`,
    );
    const { rows } = await operator.query(
      `insert into sync_list (item_type, source_platform, target_platform, source_id, sync_mode, is_active, metadata)
       values ('product', 'netsuite', 'shopify', '1001', 'delta', true, '{"name": "Lamp", "sku": "L-1"}') returning *`,
    );
    expect(rows[0]).toMatchObject({
      org_id: 'org-123',
      user_id: 'user-1',
      target_id: null,
      last_synced_at: null,
      last_sync_status: null,
    });
    await operator.query(`update sync_list set sync_mode = 'full' where source_id = '1001'`);
    for (const other of [reader, stranger]) {
      expect((await other.query(`select * from sync_list`)).rows).toEqual([]);
      expect((await other.query(`select * from saved_search_patterns`)).rows).toEqual([]);
    }
    const { rows: run } = await operator.query<{ id: string }>(`select delta_sync(array_agg(id)) as id from sync_list`);
    expect(
      (await pool.query(`select kind, run_id from tideway_private.requests where kind = 'delta_sync'`)).rows,
    ).toEqual([{ kind: 'delta_sync', run_id: run[0]!.id }]);
    await operator.query(`delete from sync_list where source_id = '1001'`);
  });

  test('the history answers under its printed names', async () => {
    await operator.query(
      `select id, user_id, sync_type, status, items_processed, items_created, items_updated, items_failed, duration_ms, metadata, created_at from sync_history order by created_at desc`,
    );
  });
});

describe('previews', () => {
  test('a preview is stored twice, read while fresh, and cleaned up as one object', async () => {
    const store = `insert into sync_preview_cache (org_id, sync_type, delta_json, computed_by, cache_key, expires_at)
                   values ('org-123', 'woocommerce', $1, 'user-1', 'hash', $2) returning *`;
    const later = new Date(Date.now() + 3_600_000);
    await operator.query(store, [{ creates: 1 }, later]);
    await operator.query(store, [{ creates: 2 }, later]);
    const read = `select delta_json from sync_preview_cache where cache_key = 'hash' and expires_at > now()`;
    expect((await operator.query(read)).rows).toEqual([{ delta_json: { creates: 2 } }]);
    await expectSeen(read, 1);
    await operator.query(store, [{ creates: 3 }, new Date(0)]);
    expect((await stranger.query(`select deleted_count from auto_cleanup_preview_cache()`)).rows).toEqual([
      { deleted_count: 0 },
    ]);
    const { rows } = await operator.query(`select to_jsonb(auto_cleanup_preview_cache()) as data`);
    expect(rows).toEqual([{ data: { deleted_count: 1 } }]);
  });
});

describe('runs and lineage', () => {
  test('runs answer under their printed names', async () => {
    await operator.query(
      `select id, data_source_id, tab_mapping_id, status, started_at, completed_at, rows_processed, rows_created, rows_updated, rows_skipped, errors, triggered_by, created_at from sync_runs`,
    );
  });

  test('a manual change is inserted with its person, and stays in its organisation', async () => {
    await operator.query(
      `insert into field_lineage (entity_type, entity_id, field_name, source_type, previous_value, new_value) values ('partners', '42', 'email', 'app', '"a"', '"b"')`,
    );
    await expectSeen(
      `select entity_type, entity_id, field_name, source_type, source_id, source_ref, previous_value, new_value, sync_run_id, changed_by, changed_at
         from field_lineage where entity_type = 'partners' and entity_id = '42' and field_name = 'email' and changed_by = 'user-1'`,
      1,
    );
    await expect(
      stranger.query(
        `insert into field_lineage (org_id, entity_type, entity_id, field_name) values ('org-123', 'partners', '42', 'email')`,
      ),
    ).rejects.toMatchObject({ code: '42501' });
  });
});
