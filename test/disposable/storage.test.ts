import { execFileSync } from 'node:child_process';
import { chownSync, cpSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { ended, sync } from '../flow/inbound/sync.ts';
import { useOutbound } from '../flow/outbound/stage.ts';
import { startDisposableServer } from '../support/disposable-server.ts';
import { waitFor } from '../support/wait-for.ts';

const root = process.getuid?.() === 0;
if (!root) console.log('Skipped: full disks; only root may mount a small file system.');

/** A file system in memory. */
function smallDisk(size: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'tideway-disk-'));
  if (root) execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0755`, 'tmpfs', directory]);
  return directory;
}

function unmount(directory: string): void {
  if (root) execFileSync('umount', ['-l', directory]);
  rmSync(directory, { recursive: true, force: true });
}

const disk = smallDisk('220m');
const drawer = smallDisk('6m');
const server = await startDisposableServer({
  directory: disk,
  settings: { max_wal_size: '64MB', min_wal_size: '32MB' },
});
const { pool, url } = server;
const flow = useOutbound({ name: 'postgres', url, pool });
afterAll(async () => {
  await server.remove().catch(() => undefined);
  unmount(disk);
  unmount(drawer);
});
afterEach(() => server.start());

describe.runIf(root)('a full disk', () => {
  test('under the log stops the server; the daemon waits, and goes on when there is room', async () => {
    const stage = await flow.stage({ app: { idempotency: false } });
    const daemon = await flow.daemon();
    await pool.query(`insert into items values (1, 'hammer', 1)`);
    await stage.shows([[1, 'hammer', 1]]);
    await flow.settled();
    const { bsize, bavail } = statfsSync(disk);
    const filler = join(disk, 'filler');
    writeFileSync(filler, Buffer.alloc(Math.max(0, bsize * bavail - 12 * 1024 * 1024)));
    await pool.query(`update items set qty = 2`);
    await waitFor(
      async () => {
        await pool.query(`select pg_logical_emit_message(false, 'filler', repeat(md5(random()::text), 100000))`);
        return false;
      },
      { within: 30_000 },
    ).catch(() => undefined);
    await waitFor(() => /daemon\.(work|connection)\.unknown/.test(daemon.log()));
    rmSync(filler);
    await server.start();
    await waitFor(() => pool.query(`insert into items values (2, 'saw', 2)`), { within: 30_000 });
    await stage.shows(
      [
        [1, 'hammer', 2],
        [2, 'saw', 2],
      ],
      60_000,
    );
    await flow.settled(60_000);
    expect(stage.effects().filter(({ op }) => op === 'create')).toHaveLength(2);
  });

  test('under a table fails no row: a long read waits, a short one says why it failed, and all arrives when there is room', async () => {
    const { uid, gid } = statSync(server.data);
    chownSync(drawer, uid, gid);
    await pool.query(`create tablespace drawer location '${drawer}'`);
    await pool.query(`create table items (id integer primary key, name text, qty integer) tablespace drawer`);
    const fill = async () => {
      await pool.query(`create table filler (filling text) tablespace drawer`);
      await expect(async () => {
        for (;;)
          await pool.query(`insert into filler select repeat(md5(random()::text), 60) from generate_series(1, 20)`);
      }).rejects.toMatchObject({ code: '53100' });
    };
    const errors = async () => (await pool.query('select from tideway.sync_errors')).rowCount;
    const stage = await flow.stage({ direction: 'pull', mapping: { schedule: 'manual', sweep_schedule: 'manual' } });
    const edits = (from: number, to: number) => {
      for (let ref = from; ref <= to; ref += 1)
        stage.edit({ op: 'create', values: { ref, name: 'x'.repeat(2_000), qty: ref } });
    };
    const all = (to: number) => Array.from({ length: to }, (_, i) => [i + 1, 'x'.repeat(2_000), i + 1] as const);

    edits(1, 200);
    await fill();
    const daemon = await flow.daemon();
    const whole = await sync(pool, 'full');
    await waitFor(() => daemon.log().includes('pull.page.unstored'), { within: 30_000 });
    expect(daemon.log()).toContain('No space left on device');
    expect(await errors()).toBe(0);
    await pool.query('drop table filler');
    expect(await ended(pool, whole)).toMatchObject({ status: 'completed', created: 200, failed: 0 });
    await stage.holds(all(200));

    edits(201, 400);
    await fill();
    const run = await ended(pool, await sync(pool, 'delta'));
    expect(run).toMatchObject({ status: 'failed', failed: 0, report: { code: 'DATABASE_TROUBLE' } });
    expect(String(run.report?.['error'])).toContain('No space left on device');
    expect(await errors()).toBe(0);
    await pool.query('drop table filler');
    expect(await ended(pool, await sync(pool, 'delta'))).toMatchObject({ status: 'completed', failed: 0 });
    await stage.holds(all(400));
    await pool.query('drop table items');
    await pool.query('drop tablespace drawer');
  });
});

test('a database restored from an older backup gets back from the app what it has lost', async () => {
  const stage = await flow.stage({ direction: 'both', mapping: { schedule: 'manual', sweep_schedule: 'manual' } });
  const first = await flow.daemon();
  await waitFor(async () =>
    expect((await pool.query(`select from tideway.mappings where state = 'active'`)).rowCount).toBe(1),
  );
  expect(await ended(pool, await sync(pool, 'full'))).toMatchObject({ status: 'completed' });
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 10) n`);
  await waitFor(() => stage.app.records('items').length === 10, { within: 30_000 });
  await flow.settled();
  await first.stop();
  await server.stop();
  const backup = mkdtempSync(join(tmpdir(), 'tideway-backup-'));
  server.copy(backup);
  await server.start();
  const second = await flow.daemon();
  await pool.query(
    `update items set qty = 300 where id = 3; delete from items where id = 4; insert into items values (11, 'item 11', 11)`,
  );
  await waitFor(() => expect(stage.record(11)).toBeDefined());
  await flow.settled();
  await second.stop();

  await server.stop();
  rmSync(server.data, { recursive: true });
  const { uid, gid } = statSync(join(backup, 'data'));
  cpSync(join(backup, 'data'), server.data, { recursive: true, preserveTimestamps: true });
  execFileSync('chown', ['-R', `${String(uid)}:${String(gid)}`, server.data]);
  rmSync(backup, { recursive: true });
  await server.start();

  await flow.daemon();
  expect(await ended(pool, await sync(pool, 'sweep'))).toMatchObject({ status: 'completed' });
  const wanted = [1, 2, 3, 5, 6, 7, 8, 9, 10, 11].map((n) => [n, `item ${String(n)}`, n === 3 ? 300 : n] as const);
  await stage.holds(wanted, 30_000);
  await flow.settled();
  await stage.shows(wanted);
});
