import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound, type Stage } from '../outbound/stage.ts';
import { ended, sync } from './sync.ts';

const flow = useOutbound();
const { pool } = flow;

async function begin(direction: 'pull' | 'both' = 'pull', app = {}): Promise<Stage> {
  const stage = await flow.stage({ direction, app, mapping: { schedule: 'manual', sweep_schedule: 'manual' } });
  for (let ref = 1; ref <= 10; ref += 1)
    stage.edit({ op: 'create', values: { ref, name: `item ${String(ref)}`, qty: ref } });
  await flow.daemon();
  await waitFor(async () =>
    expect((await pool.query(`select from tideway.mappings where state = 'active'`)).rowCount).toBe(1),
  );
  return stage;
}

const count = async () => (await pool.query('select from items')).rowCount;

test('a manual mapping is read when asked, and only then', async () => {
  const stage = await begin();
  expect(stage.app.requests().some((request) => request.includes('/records'))).toBe(false);
  await ended(pool, await sync(pool, 'delta'));
  expect(await count()).toBe(10);
  expect((await pool.query('select from tideway_private.due_reads')).rowCount).toBe(0);
});

test('a dry run says what it would do, and does nothing', async () => {
  const stage = await begin();
  await ended(pool, await sync(pool, 'full'));
  stage.edit({ op: 'update', id: stage.record(1)?.id ?? '', values: { qty: 100 } });
  stage.edit({ op: 'delete', id: stage.record(2)?.id ?? '' });
  stage.edit({ op: 'create', values: { ref: 11, name: 'new', qty: 11 } });
  const cursors = `select mapping, kind, cursor, page from tideway_private.cursors order by kind`;
  const before = (await pool.query(cursors)).rows;
  const run = await ended(pool, await sync(pool, 'sweep', ', dry_run => true'));
  expect(run).toMatchObject({ status: 'completed', created: 1, updated: 1, deleted: 1 });
  expect(run.changes?.map(({ op, key }) => `${String(op)} ${String(key)}`).sort()).toEqual([
    'create 11',
    'delete 2',
    'update 1',
  ]);
  expect((await pool.query('select id, qty from items where id in (1, 2, 11) order by id')).rows).toEqual([
    { id: 1, qty: 1 },
    { id: 2, qty: 2 },
  ]);
  expect((await pool.query(cursors)).rows).toEqual(before);
  expect((await pool.query('select from tideway_private.deletions')).rowCount).toBe(0);
});

test('preview answers with the changes, from the cache the second time', async () => {
  const stage = await begin();
  await ended(pool, await sync(pool, 'full'));
  stage.edit({ op: 'update', id: stage.record(1)?.id ?? '', values: { qty: 100 } });
  stage.edit({ op: 'delete', id: stage.record(2)?.id ?? '' });
  const asked = await pool.query<{ run_id: string; delta: unknown }>(`select * from tideway.preview('items')`);
  expect(asked.rows[0]?.delta).toBeNull();
  await ended(pool, asked.rows[0]?.run_id ?? '');
  const { rows } = await pool.query<{ run_id: string; delta: Record<string, unknown> }>(
    `select * from tideway.preview('items')`,
  );
  expect(rows[0]?.run_id).toBe(asked.rows[0]?.run_id);
  expect(rows[0]?.delta).toMatchObject({
    creates: [],
    updates: [{ key: '1', fields: { qty: { from: 1, to: 100 } } }],
    deletions: [{ key: '2' }],
    errors: [],
    counts: { creates: 0, updates: 1, deletions: 1, errors: 0 },
  });
  expect(await count()).toBe(10);
});

test('a row limit ends a run early, and is no first complete read', async () => {
  await begin('both');
  const run = await ended(pool, await sync(pool, 'full', ', row_limit => 4'));
  expect(run).toMatchObject({ status: 'completed', processed: 4, created: 4, deleted: 0 });
  expect(await count()).toBe(4);
  expect((await pool.query('select from tideway.mappings where first_read_at is null')).rowCount).toBe(1);
  expect((await pool.query('select from tideway_private.cursors')).rowCount).toBe(0);
  // The next run is a whole one.
  expect(await ended(pool, await sync(pool, 'delta'))).toMatchObject({ processed: 10, created: 6 });
});

test('force_overwrite lets the app win what would be kept here', async () => {
  await begin('pull');
  await ended(pool, await sync(pool, 'full'));
  await pool.query('update items set qty = 99 where id = 3');
  await ended(pool, await sync(pool, 'full', ', force_overwrite => true'));
  expect((await pool.query('select qty from items where id = 3')).rows).toEqual([{ qty: 3 }]);
});

test('tideway.read_soon makes a poll due now, as a webhook without ids does', async () => {
  const stage = await flow.stage({ direction: 'pull', mapping: { schedule: '1 h' } });
  await flow.daemon();
  await waitFor(async () =>
    expect((await pool.query(`select from tideway.sync_runs where status = 'completed'`)).rowCount).toBe(1),
  );
  stage.edit({ op: 'create', values: { ref: 1, name: 'rung', qty: 1 } });
  await pool.query(`select tideway_private.read_soon(number) from tideway.mappings`);
  await stage.holds([[1, 'rung', 1]], 3_000);
  const { rows } = await pool.query(`select kind, trigger from tideway.sync_runs order by created_at desc limit 1`);
  expect(rows).toEqual([{ kind: 'delta', trigger: 'webhook' }]);
});

test('an id on the re-read list is read within a second, and what is gone goes', async () => {
  const stage = await begin();
  await ended(pool, await sync(pool, 'full'));
  const [changed, gone] = [stage.record(1)?.id ?? '', stage.record(2)?.id ?? ''];
  stage.edit({ op: 'update', id: changed, values: { qty: 50 } });
  stage.edit({ op: 'delete', id: gone });
  await pool.query(
    `insert into tideway_private.rereads (mapping, remote_id, org_id, reason)
     select m.number, i.id, m.org_id, 'webhook' from tideway.mappings m cross join unnest($1::text[]) as i (id)`,
    [[changed, gone]],
  );
  await pool.query(`notify tideway_requests`);
  await waitFor(
    async () => expect((await pool.query('select qty from items where id = 1')).rows).toEqual([{ qty: 50 }]),
    { within: 3_000 },
  );
  await waitFor(async () => expect(await count()).toBe(9));
  await waitFor(async () => expect((await pool.query('select from tideway_private.rereads')).rowCount).toBe(0));
});
