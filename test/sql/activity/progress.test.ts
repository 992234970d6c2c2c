import { expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';

const { rolledBack } = useDatabase();

const begin = `insert into tideway.sync_progress (org_id, sync_id, entity_type, total_items, initiated_by, source_system, started_at)
               values ('default', 's', 'customer', 5000, 'u', 'woocommerce', clock_timestamp() - interval '5 minutes') returning *`;

test('speed, estimate and elapsed time are computed from the counts', () =>
  rolledBack(async (db) => {
    await db.query(begin);
    const { rows } = await db.query(
      `update tideway.sync_progress set processed_count = 2497, failed_count = 3, current_item = 2500 where sync_id = 's' returning *`,
    );
    expect(rows[0]).toMatchObject({ status: 'running', elapsed_seconds: 300, eta_seconds: 300, completed_at: null });
    expect(Number((rows[0] as { speed_items_per_min: string }).speed_items_per_min)).toBeCloseTo(500, 0);
  }));

test('the last item completes the sync and writes one row into the log', () =>
  rolledBack(async (db) => {
    await db.query(begin);
    const { rows } = await db.query(
      `update tideway.sync_progress set processed_count = 4999, failed_count = 1 where sync_id = 's' returning *`,
    );
    expect(rows[0]).toMatchObject({
      status: 'completed_with_errors',
      eta_seconds: 0,
      completed_at: expect.any(Date) as Date,
    });
    await db.query(`update tideway.sync_progress set metadata = '{"seen": true}' where sync_id = 's'`);
    const { rows: log } = await db.query(`select * from tideway.sync_activity_log`);
    expect(log).toEqual([
      expect.objectContaining({
        sync_id: 's',
        org_id: 'default',
        entity_type: 'customer',
        source_system: 'woocommerce',
        user_id: 'u',
        status: 'completed_with_errors',
        record_count: 4999,
        error_message: '1 items failed',
        duration_ms: expect.stringMatching(/^300\d{3}$/) as string,
      }),
    ]);
  }));

test('done and failed never exceed the total', () =>
  rolledBack(async (db) => {
    await db.query(begin);
    const refusal = db.query(
      `update tideway.sync_progress set processed_count = 5000, failed_count = 1 where sync_id = 's'`,
    );
    await expect(refusal).rejects.toThrow(/violates check constraint/);
  }));

test('an unknown total never completes a sync by its counts', () =>
  rolledBack(async (db) => {
    const { rows } = await db.query(
      `insert into tideway.sync_progress (org_id, sync_id, entity_type, processed_count) values ('default', 's', 'x', 1000000) returning *`,
    );
    expect(rows[0]).toMatchObject({ status: 'running', eta_seconds: null, total_items: null });
  }));

test('who reports after the time-out is running again', () =>
  rolledBack(async (db) => {
    await db.query(begin);
    await db.query(`update tideway.sync_progress set status = 'timeout' where sync_id = 's'`);
    const { rows } = await db.query(
      `update tideway.sync_progress set processed_count = 7 where sync_id = 's' returning status, completed_at`,
    );
    expect(rows).toEqual([{ status: 'running', completed_at: null }]);
  }));

test('either duration of a log row fills the other', () =>
  rolledBack(async (db) => {
    const { rows } = await db.query(
      `insert into tideway.sync_activity_log (org_id, action, status, duration_ms, duration_seconds)
       values ('default', 'x', 'completed', 1500, null), ('default', 'x', 'completed', null, 2.25), ('default', 'x', 'completed', null, null)
       returning duration_ms, duration_seconds`,
    );
    expect(rows).toEqual([
      { duration_ms: '1500', duration_seconds: '1.500' },
      { duration_ms: '2250', duration_seconds: '2.250' },
      { duration_ms: null, duration_seconds: null },
    ]);
  }));
