import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound, type Stage } from './stage.ts';

const outbound = useOutbound();
const { pool } = outbound;

/** Twenty rows of which some are changed and one is deleted: what a crash must neither lose nor double. */
async function change(): Promise<void> {
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(11, 20) n`);
  await pool.query(`update items set qty = qty + 100 where id <= 5; delete from items where id = 6`);
}

async function expectInStep({ shows, effects }: Stage): Promise<void> {
  const { rows } = await pool.query<{ id: number; name: string; qty: number }>(
    'select id, name, qty from items order by id',
  );
  await shows(
    rows.map(({ id, name, qty }) => [id, name, qty] as const),
    60_000,
  );
  await outbound.settled(60_000);
  const created = effects().filter(({ op }) => op === 'create');
  expect(created).toHaveLength(20);
}

for (const place of [
  'follow.read',
  'follow.marked',
  'push.claimed',
  'push.prepared',
  'push.answered',
  'push.completed',
]) {
  test(`kill -9 at ${place} loses nothing and doubles nothing`, async () => {
    // The app obeys no idempotency key: a create that is sent twice would show.
    const stage = await outbound.stage({ app: { idempotency: false } });
    const first = await outbound.daemon();
    await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 10) n`);
    await waitFor(() => expect(stage.app.records('items')).toHaveLength(10));
    await outbound.settled();
    await first.stop();

    await change();
    const doomed = await outbound.daemon({ TIDEWAY_FAILPOINT: place });
    expect(await doomed.ended).toBe('SIGKILL');
    await outbound.daemon();
    await expectInStep(stage);
  });
}

test('when the owner is killed, a second daemon goes on within ten seconds', async () => {
  const stage = await outbound.stage();
  const one = await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await stage.shows([[1, 'hammer', 1]]);
  const two = await outbound.daemon();
  await waitFor(() => two.log().includes('standing by'));
  await one.kill();
  const killed = Date.now();
  await pool.query(`update items set qty = 2`);
  await stage.shows([[1, 'hammer', 2]], 10_000);
  expect(Date.now() - killed).toBeLessThan(10_000);
  await outbound.settled();
  await two.stop();
});

test('a daemon that is told to stop gives everything back at once', async () => {
  const stage = await outbound.stage();
  const one = await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await stage.shows([[1, 'hammer', 1]]);
  await outbound.settled();
  stage.app.fail({ path: '/write', with: { kind: 'delay', milliseconds: 1_000 } });
  await pool.query(`update items set qty = 2`);
  await waitFor(() => stage.writes() === 2);
  await one.stop();
  // The request under way was waited for and its answer stored.
  const { rows } = await pool.query(`select (select count(*) from tideway_private.leases)::int as leases,
    (select count(*) from tideway_private.in_flight)::int as batches, (select count(*) from tideway_private.links where sent is not null)::int as unseen`);
  expect(rows).toEqual([{ leases: 0, batches: 0, unseen: 0 }]);
  await stage.shows([[1, 'hammer', 2]]);
});

test('the stored position never goes back, not even when a restart meets a large transaction first', async () => {
  const stage = await outbound.stage({ app: { rowsPerWrite: 500 } });
  const first = await outbound.daemon();
  await pool.query(`insert into items values (1, 'item 1', 1)`);
  await stage.shows([[1, 'item 1', 1]]);
  await outbound.settled();
  await first.stop();
  await pool.query(`
    create function no_way_back() returns trigger language plpgsql as
      $$ begin raise exception 'The position went back from % to %', old.lsn, new.lsn; end $$;
    create trigger no_way_back before update on tideway_private.positions
      for each row when (new.lsn < old.lsn) execute function no_way_back()`);
  try {
    await pool.query(`insert into items select n, 'item ' || n, n from generate_series(2, 12000) n`);
    const second = await outbound.daemon();
    await waitFor(() => stage.app.records('items').length === 12_000, { within: 60_000 });
    await outbound.settled();
    expect(second.log()).not.toContain('The position went back');
  } finally {
    await pool.query('drop function no_way_back cascade');
  }
});

test('a frozen owner that wakes up sends nothing more', async () => {
  const stage = await outbound.stage();
  const frozen = await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await stage.shows([[1, 'hammer', 1]]);
  await outbound.settled();
  process.kill(frozen.pid, 'SIGSTOP');
  // Its walsender keeps the slot until the server misses it.
  await pool.query(`select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1`, [
    outbound.slot,
  ]);
  const other = await outbound.daemon();
  await pool.query(`update items set qty = 2`);
  await stage.shows([[1, 'hammer', 2]], 30_000);
  process.kill(frozen.pid, 'SIGCONT');
  await waitFor(() => /Lost the lease|failed and starts again/.test(frozen.log()));
  await pool.query(`update items set qty = 3`);
  await stage.shows([[1, 'hammer', 3]]);
  await outbound.settled();
  expect(stage.effects().map(({ op }) => op)).toEqual(['create', 'update', 'update']);
  await other.stop();
});
