import { expect, test } from 'vitest';
import { dropSlot } from '../../support/drop-slot.ts';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound, type Stage } from './stage.ts';

const outbound = useOutbound();
const { pool } = outbound;

async function doubts(): Promise<string[]> {
  const { rows } = await pool.query<{ doubt: string }>(
    `select metadata ->> 'doubt' as doubt from tideway.sync_activity_log where action = 'compare' order by created_at`,
  );
  return rows.map(({ doubt }) => doubt);
}

async function begin(): Promise<Stage> {
  const stage = await outbound.stage();
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 30) n`);
  return stage;
}

/** What nobody could see in the log. */
async function changeUnseen(): Promise<void> {
  await pool.query(
    `update items set qty = qty + 100 where id = 3; delete from items where id = 4; insert into items values (31, 'new', 31)`,
  );
}

async function expectInStep({ shows, app }: Stage): Promise<void> {
  const { rows } = await pool.query<{ id: number; name: string; qty: number }>(
    'select id, name, qty from items order by id',
  );
  await shows(
    rows.map(({ id, name, qty }) => [id, name, qty] as const),
    30_000,
  );
  await outbound.settled();
  expect(app.records('items')).toHaveLength(rows.length);
}

test('a slot that was dropped is made again, and what was missed is found by comparing', async () => {
  const stage = await begin();
  const daemon = await outbound.daemon();
  await expectInStep(stage);
  const writes = stage.effects().length;
  await daemon.stop();
  await changeUnseen();
  await dropSlot(pool, outbound.slot);
  await outbound.daemon();
  await expectInStep(stage);
  expect(await doubts()).toContain('the slot was gone');
  // Only what differed was sent.
  expect(stage.effects().length - writes).toBe(3);
});

test('a slot that is dropped under a running daemon is repaired', async () => {
  const stage = await begin();
  await outbound.daemon();
  await expectInStep(stage);
  await pool.query(`
    do $$
    begin
      loop
        perform pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '${outbound.slot}' and active;
        begin
          perform pg_drop_replication_slot('${outbound.slot}');
          exit;
        exception when object_in_use then null;
        end;
      end loop;
    end $$`);
  await changeUnseen();
  await expectInStep(stage);
  await waitFor(async () => expect(await doubts()).toContain('the slot was gone'));
});

test('a slot that somebody advanced is noticed, and all rows are compared', async () => {
  const stage = await begin();
  const daemon = await outbound.daemon();
  await expectInStep(stage);
  await daemon.stop();
  await changeUnseen();
  await pool.query(`select pg_replication_slot_advance($1, pg_current_wal_lsn())`, [outbound.slot]);
  await outbound.daemon();
  await expectInStep(stage);
  expect(await doubts()).toContain('somebody advanced or re-created the slot');
});

test('a stored position beyond the server is not believed: all rows are compared', async () => {
  const stage = await begin();
  const daemon = await outbound.daemon();
  await expectInStep(stage);
  await daemon.stop();
  await pool.query(`update tideway_private.positions set lsn = 'FFFF/0'`);
  await changeUnseen();
  await outbound.daemon();
  await expectInStep(stage);
  expect(await doubts()).toContain('the stored position lies beyond this server');
});

test('a clean restart doubts nothing and compares nothing', async () => {
  const stage = await begin();
  const daemon = await outbound.daemon();
  await expectInStep(stage);
  const before = await doubts();
  await daemon.stop();
  await changeUnseen();
  await outbound.daemon();
  await expectInStep(stage);
  expect(await doubts()).toEqual(before);
});

test('a publication that was dropped and made again, with changes lost between, is repaired', async () => {
  const stage = await begin();
  const daemon = await outbound.daemon();
  await expectInStep(stage);
  await pool.query(`drop publication tideway`);
  await changeUnseen();
  await waitFor(() => daemon.log().includes('PUBLICATION_MISSING'), { within: 15_000 });
  const findings = async (): Promise<string[]> =>
    (await pool.query<{ what: string }>(`select what from tideway.health`)).rows.map(({ what }) => what);
  expect(await findings()).toContain('Publication "tideway" does not exist, so no change can be followed.');
  await pool.query(`select tideway.activate('items')`);
  await expectInStep(stage);
  await pool.query(`update items set qty = 0 where id = 1`);
  await expectInStep(stage);
  expect((await doubts()).some((doubt) => doubt.includes('publication'))).toBe(true);
  expect((await findings()).filter((what) => what.startsWith('Publication'))).toEqual([]);
});

test('a table that was out of the publication for a moment is compared', async () => {
  const stage = await begin();
  await outbound.daemon();
  await expectInStep(stage);
  await pool.query(`alter publication tideway drop table items`);
  await changeUnseen();
  await pool.query(`alter publication tideway add table items`);
  await expectInStep(stage);
  expect(await doubts()).toContain('the table was out of the publication');
});

test('a database that was cloned from another server writes to no app until somebody says so', async () => {
  const stage = await begin();
  const daemon = await outbound.daemon();
  await expectInStep(stage);
  await daemon.stop();
  await pool.query(`update tideway_private.positions set system_identifier = '1234567890'`);
  await changeUnseen();
  await outbound.daemon();
  await waitFor(async () => {
    const { rows } = await pool.query<{ paused_reason: string }>(
      `select paused_reason from tideway.connections where state = 'paused'`,
    );
    expect(rows[0]?.paused_reason).toContain('SYSTEM_ID_CHANGED');
  });
  await outbound.followed();
  expect(stage.record(31)).toBeUndefined();
  await pool.query(`select tideway.resume_connection('items')`);
  await expectInStep(stage);
});

test('a clone writes to no app either where its log cannot be read, and is compared once it can', async () => {
  const stage = await begin();
  const daemon = await outbound.daemon();
  await expectInStep(stage);
  await daemon.stop();
  const writes = stage.effects().length;
  await pool.query(`update tideway_private.positions set system_identifier = '1234567890'`);
  await changeUnseen();
  await pool.query(`select tideway.backfill('items')`);
  const blind = await outbound.daemon({ TIDEWAY_REPLICATION_URL: 'postgres://127.0.0.1:1/none' });
  await waitFor(async () => {
    const { rows } = await pool.query<{ paused_reason: string }>(
      `select paused_reason from tideway.connections where state = 'paused'`,
    );
    expect(rows[0]?.paused_reason).toContain('SYSTEM_ID_CHANGED');
  });
  expect(stage.effects()).toHaveLength(writes);
  await blind.stop();
  await pool.query(`select tideway.resume_connection('items')`);
  await outbound.daemon();
  await expectInStep(stage);
  expect(await doubts()).toContain('the database was restored or cloned from another server');
  const { rows } = await pool.query(`select from tideway.connections where state = 'paused'`);
  expect(rows).toEqual([]);
});

test('a partition that comes with rows in it reaches the app; one that is emptied goes through the guard', async () => {
  await pool.query(`create table items (id integer primary key, name text, qty integer) partition by range (id);
                    create table items_low partition of items for values from (0) to (100);
                    create table items_high (id integer primary key, name text, qty integer);
                    insert into items_high select n, 'item ' || n, n from generate_series(100, 130) n;`);
  const stage = await outbound.stage();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await outbound.daemon();
  await expectInStep(stage);
  await pool.query(`alter table items attach partition items_high for values from (100) to (200)`);
  await waitFor(() => expect(stage.app.records('items')).toHaveLength(32), { within: 20_000 });
  await outbound.settled();
  await pool.query(`truncate items_high`);
  await waitFor(
    async () =>
      expect((await pool.query(`select count(*)::int as held from tideway.held_deletions`)).rows).toEqual([
        { held: 31 },
      ]),
    { within: 20_000 },
  );
  expect(stage.app.records('items')).toHaveLength(32);
});

test('a partition that is detached deletes nothing in the app', async () => {
  await pool.query(`create table items (id integer primary key, name text, qty integer) partition by range (id);
                    create table items_low partition of items for values from (0) to (100);
                    create table items_high partition of items for values from (100) to (200);`);
  const stage = await outbound.stage();
  await pool.query(`insert into items values (1, 'hammer', 1), (100, 'saw', 1)`);
  await outbound.daemon();
  await expectInStep(stage);
  await pool.query(`alter table items detach partition items_high`);
  await waitFor(async () => expect((await doubts()).some((doubt) => doubt.includes('partition'))).toBe(true), {
    within: 20_000,
  });
  await outbound.settled();
  expect(stage.app.records('items')).toHaveLength(2);
});
