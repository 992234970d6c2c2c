import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound, type Stage } from '../outbound/stage.ts';
import { runs } from './runs.ts';

const flow = useOutbound();
const { pool } = flow;

/** Five hundred records on pages of two hundred. */
async function begin(direction: 'pull' | 'both' = 'pull'): Promise<Stage> {
  const stage = await flow.stage({ direction, mapping: { schedule: '1 s', sweep_schedule: 'manual' } });
  for (let ref = 1; ref <= 500; ref += 1)
    stage.edit({ op: 'create', values: { ref, name: `item ${String(ref)}`, qty: ref } });
  return stage;
}

async function expectAllHere(within = 40_000): Promise<void> {
  await waitFor(
    async () => {
      const { rows } = await pool.query(`select count(*)::int as rows, coalesce(sum(qty), 0)::int as sum from items`);
      expect(rows).toEqual([{ rows: 500, sum: 125_250 }]);
    },
    { within },
  );
}

for (const place of ['pull.fetched@2', 'pull.applied', 'pull.applied@2', 'pull.confirmed', 'pull.finished']) {
  test(`kill -9 at ${place}: the run is taken up at its page and nothing is read twice`, async () => {
    const stage = await begin();
    const doomed = await flow.daemon({ TIDEWAY_FAILPOINT: place });
    expect(await doomed.ended).toBe('SIGKILL');
    await flow.daemon();
    await expectAllHere();
    await waitFor(async () => expect((await runs(pool))[0]).toMatchObject({ status: 'completed' }), { within: 20_000 });
    const [first] = await runs(pool);
    // Pages that were committed before the kill count once.
    expect(first).toMatchObject({ kind: 'full', processed: 500, created: 500, deleted: 0 });
    const { rows } = await pool.query(`select count(*)::int as errors from tideway.sync_errors`);
    expect(rows).toEqual([{ errors: 0 }]);
    expect(stage.effects()).toEqual([]);
  });
}

test('kill -9 between two parts of a page: the page is read again, and no record of it is missing', async () => {
  await begin();
  const doomed = await flow.daemon({ TIDEWAY_FAILPOINT: 'pull.part' });
  expect(await doomed.ended).toBe('SIGKILL');
  const { rows } = await pool.query('select from tideway_private.cursors');
  expect(rows).toHaveLength(0);
  await flow.daemon();
  await expectAllHere();
  await waitFor(async () => expect((await runs(pool)).some(({ status }) => status === 'completed')).toBe(true));
});

test('what was seen is lost with a crash of the server: the sweep begins at the first page and deletes nothing', async () => {
  await begin();
  const first = await flow.daemon();
  await expectAllHere();
  await first.stop();
  const doomed = await flow.daemon({ TIDEWAY_FAILPOINT: 'pull.applied@2' });
  await pool.query(`select tideway.sync_now('items', 'sweep')`);
  expect(await doomed.ended).toBe('SIGKILL');
  // What it asked of the server may still be under way there.
  await waitFor(async () => {
    const { rows } = await pool.query(
      `select from pg_stat_activity where datname = current_database() and application_name = 'tideway/pull'`,
    );
    expect(rows).toHaveLength(0);
  });
  // As an unlogged table is after a crash.
  await pool.query(`truncate tideway_private.seen_pages`);
  await flow.daemon();
  await waitFor(
    async () => {
      const sweep = (await runs(pool)).find(({ kind }) => kind === 'sweep');
      expect(sweep).toMatchObject({ status: 'completed', processed: 500, deleted: 0, held: 0 });
    },
    { within: 30_000 },
  );
  await expectAllHere();
});

test('a daemon that is told to stop leaves its read at a page, and the next one goes on from there', async () => {
  const stage = await begin();
  stage.app.fail({ method: 'GET', path: '/records', after: 1, with: { kind: 'delay', milliseconds: 1_500 } });
  const first = await flow.daemon();
  await waitFor(async () => expect((await pool.query('select from items')).rowCount).toBe(200));
  await first.stop();
  expect((await runs(pool))[0]).toMatchObject({ status: 'interrupted' });
  await flow.daemon();
  await expectAllHere();
  await waitFor(async () => expect((await runs(pool))[0]).toMatchObject({ status: 'completed', processed: 500 }));
});

test('the run of a killed owner is interrupted within the lease time, also when nobody takes it up', async () => {
  await begin();
  const doomed = await flow.daemon({ TIDEWAY_FAILPOINT: 'pull.applied' });
  expect(await doomed.ended).toBe('SIGKILL');
  expect((await runs(pool))[0]).toMatchObject({ status: 'running' });
  // A daemon that cannot use the connection still tidies up.
  await flow.daemon({ PLAIN_TOKEN: '' });
  await waitFor(async () => expect((await runs(pool))[0]).toMatchObject({ status: 'interrupted' }), { within: 12_000 });
});
