import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound, type Stage } from '../outbound/stage.ts';
import { runs, type RunSeen } from './runs.ts';
import { sync, ended } from './sync.ts';

const flow = useOutbound();
const { pool } = flow;

async function begin(
  records: number,
  direction: 'pull' | 'both' = 'both',
  mapping: Record<string, unknown> = {},
  settings: Record<string, unknown> = {},
): Promise<Stage> {
  const stage = await flow.stage({
    direction,
    settings,
    mapping: { schedule: '1 s', sweep_schedule: 'manual', ...mapping },
  });
  for (let ref = 1; ref <= records; ref += 1)
    stage.edit({ op: 'create', values: { ref, name: `item ${String(ref)}`, qty: ref } });
  await flow.daemon();
  await waitFor(async () => expect((await pool.query('select from items')).rowCount).toBe(records));
  if (direction === 'both') await flow.settled();
  return stage;
}

async function sweep(): Promise<RunSeen> {
  return ended(pool, await sync(pool, 'sweep'));
}

const idOf = (stage: Stage, ref: number) => stage.record(ref)?.id ?? '';

test('a sweep finds what polls cannot: drift on both sides, deletions in the app, and it says so', async () => {
  const stage = await begin(20);
  // Nothing of this shows in the app's changes or in the log.
  stage.edit({ op: 'delete', id: idOf(stage, 20) });
  await pool.query(
    `update tideway_private.links set local_image = local_image || '{"qty": 0}', remote_diff = '{}' where local_key = '7'`,
  );
  const run = await sweep();
  expect(run).toMatchObject({ kind: 'sweep', status: 'completed', deleted: 1, held: 0 });
  expect(run.report).toMatchObject({ checked: 19, held: 0, failed: 0 });
  expect((await pool.query('select from items where id = 20')).rowCount).toBe(0);
  // A sweep with nothing to repair says that, too.
  const quiet = await sweep();
  expect(quiet.report).toEqual({ checked: 19, equal: 19, repaired_here: 0, repaired_there: 0, held: 0, failed: 0 });
});

test('a row whose mark was lost reaches the app by the next sweep', async () => {
  const stage = await begin(5);
  await pool.query(`update items set qty = 50 where id = 5; insert into items values (6, 'new', 6)`);
  await flow.followed();
  await pool.query(`delete from tideway_private.outbox`);
  await sweep();
  await waitFor(() => expect(stage.record(6)).toMatchObject({ name: 'new' }));
  await waitFor(() => expect(stage.record(5)).toMatchObject({ qty: 50 }));
});

test('records that vanish in masses are held until somebody approves', async () => {
  const stage = await begin(60, 'pull');
  for (let ref = 1; ref <= 40; ref += 1) stage.edit({ op: 'delete', id: idOf(stage, ref) });
  const run = await sweep();
  expect(run).toMatchObject({ status: 'completed', deleted: 0, held: 40 });
  expect((await pool.query('select from items')).rowCount).toBe(60);
  expect((await pool.query('select from tideway.held_deletions')).rowCount).toBe(40);
  await pool.query(`select tideway.approve_deletions($1)`, [run.id]);
  await waitFor(async () => expect((await pool.query('select from items')).rowCount).toBe(20));
  expect((await pool.query('select from tideway.held_deletions')).rowCount).toBe(0);
});

test('a held record that shows up again is withdrawn: approving the rest leaves it alone', async () => {
  // Its polls come by hand and look back no further than they must.
  const stage = await begin(40, 'pull', { schedule: '1 h' }, { overlap: 0 });
  stage.app.fail({
    path: '/records/read',
    with: {
      kind: 'body',
      contentType: 'application/json',
      body: JSON.stringify({
        records: [],
        missing: stage.app
          .records('items')
          .slice(0, 30)
          .map(({ id }) => id),
      }),
    },
  });
  // An app that says of records that stand that they are gone: a page without them, and the same answer by id.
  stage.app.fail({
    method: 'GET',
    path: '/records',
    with: { kind: 'body', contentType: 'application/json', body: JSON.stringify(pageWithout(stage, 30)) },
  });
  const run = await sweep();
  expect(run).toMatchObject({ held: 30, deleted: 0 });
  stage.edit({ op: 'update', id: idOf(stage, 1), values: { qty: 1000 } });
  await sync(pool, 'delta');
  await waitFor(async () => expect((await pool.query('select from items where qty = 1000')).rowCount).toBe(1));
  await waitFor(async () => expect((await pool.query('select from tideway.held_deletions')).rowCount).toBe(29));
  await pool.query(`select tideway.approve_deletions($1)`, [run.id]);
  await waitFor(async () => expect((await pool.query('select from items')).rowCount).toBe(11));
  expect((await pool.query('select from items where id = 1')).rowCount).toBe(1);
});

test('a record that a page did not show is asked for by its id, and stays when it is there', async () => {
  const stage = await begin(10, 'pull');
  stage.app.fail({
    method: 'GET',
    path: '/records',
    with: { kind: 'body', contentType: 'application/json', body: JSON.stringify(pageWithout(stage, 3)) },
  });
  expect(await sweep()).toMatchObject({ status: 'completed', processed: 10, deleted: 0, held: 0 });
  expect((await pool.query('select from items')).rowCount).toBe(10);
});

test('sweeps come by their schedule, in the zone of the organisation', async () => {
  const stage = await begin(3, 'pull', { sweep_schedule: '0 2 * * *' });
  await pool.query(`update tideway.organisations set timezone = 'Asia/Tokyo'`);
  try {
    await waitFor(async () => {
      const { rows } = await pool.query<{ hour: number }>(
        `select extract(hour from due_at at time zone 'Asia/Tokyo')::int as hour from tideway_private.due_reads where kind = 'sweep'`,
      );
      expect(rows).toEqual([{ hour: 2 }]);
    });
    stage.edit({ op: 'delete', id: idOf(stage, 3) });
    await pool.query(`update tideway_private.due_reads set due_at = now() where kind = 'sweep'`);
    await waitFor(async () =>
      expect((await runs(pool)).find(({ kind }) => kind === 'sweep')).toMatchObject({
        trigger: 'scheduled',
        status: 'completed',
        deleted: 1,
      }),
    );
    const { rows } = await pool.query(
      `select due_at > now() as later from tideway_private.due_reads where kind = 'sweep'`,
    );
    expect(rows).toEqual([{ later: true }]);
  } finally {
    await pool.query(`update tideway.organisations set timezone = 'UTC'`);
  }
});

/** What the app would show if its first records had vanished. */
function pageWithout(stage: Stage, first: number): unknown {
  const left = stage.app.records('items').slice(first);
  return {
    records: left.map(({ id, version, modifiedAt, values }) => ({
      id,
      version,
      modified_at: modifiedAt,
      values: Object.fromEntries(
        Object.entries(values).map(([name, value]) => [
          name,
          typeof value === 'object' && value !== null && 'number' in value ? Number(value.number) : value,
        ]),
      ),
    })),
    total: left.length,
    now: new Date().toISOString(),
  };
}
