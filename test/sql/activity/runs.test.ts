import pg from 'pg';
import { expect, test } from 'vitest';
import { aMapping } from '../../support/a-mapping.ts';
import { useDatabase } from '../../support/database.ts';

const { rolledBack, pool, url } = useDatabase();

test('a run counts, shows its progress under its own id, and is logged once when it ends', () =>
  rolledBack(async (db) => {
    const mapping = await aMapping(db);
    const { rows } = await db.query<{ id: string }>(
      `select tideway_private.start_run($1, 'pull', 'scheduled', total => 10) as id`,
      [mapping.number],
    );
    const id = rows[0]!.id;
    await db.query(
      `select tideway_private.advance_run($1, '{"processed": 6, "created": 4, "failed": 2, "timings": {"fetch": 12}}')`,
      [id],
    );
    await db.query(
      `select tideway_private.advance_run($1, '{"processed": 6, "updated": 6, "timings": {"fetch": 8, "apply": 1}}')`,
      [id],
    );
    const { rows: progress } = await db.query(
      `select sync_id, entity_type, source_system, processed_count, failed_count, total_items, status from tideway.sync_progress`,
    );
    expect(progress).toEqual([
      {
        sync_id: id,
        entity_type: 'products',
        source_system: 'glide',
        processed_count: '10',
        failed_count: '2',
        total_items: '12',
        status: 'running',
      },
    ]);
    await db.query(`select tideway_private.finish_run($1)`, [id]);
    const { rows: again } = await db.query(
      `select tideway_private.finish_run($1, 'failed') as ended, tideway_private.advance_run($1, '{"processed": 1}') as moved`,
      [id],
    );
    expect(again).toEqual([{ ended: false, moved: false }]);
    const { rows: runs } = await db.query(`select status, rows_processed, rows_failed, timings from tideway.sync_runs`);
    expect(runs).toEqual([
      { status: 'completed_with_errors', rows_processed: '12', rows_failed: '2', timings: { fetch: 20, apply: 1 } },
    ]);
    const { rows: log } = await db.query(
      `select action, status, record_count, mapping_id, run_id from tideway.sync_activity_log`,
    );
    expect(log).toEqual([
      { action: 'pull', status: 'completed_with_errors', record_count: 10, mapping_id: mapping.id, run_id: id },
    ]);
    const { rows: history } = await db.query(
      `select sync_type, status, items_processed, items_created, items_failed from tideway.sync_history`,
    );
    expect(history).toEqual([
      {
        sync_type: 'scheduled',
        status: 'partial_success',
        items_processed: '12',
        items_created: '4',
        items_failed: '2',
      },
    ]);
  }));

test('a run ends as interrupted when the lease of its owner is gone, and only then', () =>
  rolledBack(async (db) => {
    const mapping = await aMapping(db);
    await db.query(
      `insert into tideway_private.leases (connection, org_id, owner, epoch, expires_at) values ($1, 'default', 'd', 7, now() + interval '8 s')`,
      [mapping.connectionNumber],
    );
    await db.query(`select tideway_private.start_run($1, 'pull', epoch => 7)`, [mapping.number]);
    expect((await db.query(`select tideway_private.interrupt_runs() as n`)).rows).toEqual([{ n: 0 }]);
    expect((await db.query(`select tideway_private.interrupt_runs(now() + interval '1 minute') as n`)).rows).toEqual([
      { n: 1 },
    ]);
    expect(
      (
        await db.query(
          `select r.status, p.status as shown from tideway.sync_runs r join tideway.sync_progress p on p.run_id = r.id`,
        )
      ).rows,
    ).toEqual([{ status: 'interrupted', shown: 'interrupted' }]);
  }));

test('the next owner takes an interrupted run up again', () =>
  rolledBack(async (db) => {
    const mapping = await aMapping(db);
    const { rows } = await db.query<{ id: string }>(`select tideway_private.start_run($1, 'sweep', epoch => 1) as id`, [
      mapping.number,
    ]);
    await db.query(`select tideway_private.advance_run($1, '{"processed": 5}')`, [rows[0]!.id]);
    await db.query(`select tideway_private.interrupt_runs()`);
    await db.query(`select tideway_private.start_run($1, 'sweep', id => $2, epoch => 2)`, [
      mapping.number,
      rows[0]!.id,
    ]);
    expect((await db.query(`select status, rows_processed, epoch from tideway.sync_runs`)).rows).toEqual([
      { status: 'running', rows_processed: '5', epoch: '2' },
    ]);
  }));

test('fifty writers at once lose no count of a run, and end it once', async () => {
  const mapping = await aMapping(pool);
  const { rows } = await pool.query<{ id: string }>(`select tideway_private.start_run($1, 'pull', epoch => 1) as id`, [
    mapping.number,
  ]);
  const run = rows[0]?.id;
  const writers = new pg.Pool({ connectionString: url, max: 50 });
  try {
    const wrote = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        writers.query(`select tideway_private.advance_run($1, $2)`, [
          run,
          { processed: 2, created: 1, failed: n % 2, timings: { apply: 3 } },
        ]),
      ),
    );
    expect(wrote).toHaveLength(200);
    const { rows: counted } = await pool.query(
      `select r.rows_processed::int as processed, r.rows_created::int as created, r.rows_failed::int as failed, r.timings,
              p.processed_count::int as shown, p.failed_count::int as shown_failed
         from tideway.sync_runs r join tideway.sync_progress p on p.run_id = r.id where r.id = $1`,
      [run],
    );
    expect(counted).toEqual([
      { processed: 400, created: 200, failed: 100, timings: { apply: 600 }, shown: 300, shown_failed: 100 },
    ]);
    const ended = await Promise.all(
      Array.from({ length: 50 }, () =>
        writers.query<{ ended: boolean }>(`select tideway_private.finish_run($1) as ended`, [run]),
      ),
    );
    expect(ended.filter(({ rows: [row] }) => row?.ended)).toHaveLength(1);
  } finally {
    await writers.end();
  }
});
