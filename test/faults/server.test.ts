import pg from 'pg';
import { afterAll, afterEach, expect, onTestFinished, test } from 'vitest';
import { doorOf } from '../flow/http/door.ts';
import { plain, useOutbound, type Stage } from '../flow/outbound/stage.ts';
import { startDisposableServer } from '../support/disposable-server.ts';
import { runningTideway } from '../support/running-command.ts';
import { waitFor } from '../support/wait-for.ts';

const server = await startDisposableServer();
const { pool, url } = server;
const outbound = useOutbound({ name: 'postgres', url, pool });
afterAll(() => server.remove());
// Before what cleans the database; a failed test may have left it down.
afterEach(() => server.start());

/** Rows that an insert wrote while the server was about to go are in the table or not: the table says which. */
async function expectInStep({ shows, effects }: Stage): Promise<void> {
  const { rows } = await pool.query<{ id: number; name: string; qty: number }>(
    'select id, name, qty from items order by id',
  );
  await shows(
    rows.map(({ id, name, qty }) => [id, name, qty] as const),
    60_000,
  );
  await outbound.settled(60_000);
  expect(effects().filter(({ op }) => op === 'create')).toHaveLength(rows.length);
}

/** Of one such process of the server; signals to a pid that was not found would hit the tests themselves. */
async function pidOf(condition: string): Promise<number> {
  const { rows } = await pool.query<{ pid: number }>(`select pid from pg_stat_activity where ${condition} limit 1`);
  const [found] = rows;
  if (found === undefined) throw new Error(`The server has no process with ${condition}`);
  return found.pid;
}

/** Until the returned function kills it, nothing but commits that wait for the disk brings the server's log there. */
async function stopLogWriter(): Promise<() => Promise<void>> {
  const writer = await pidOf(`backend_type = 'walwriter'`);
  process.kill(writer, 'SIGSTOP');
  let stopped = true;
  // A test that fails before it kills the server must not leave one that cannot be shut down.
  onTestFinished(() => {
    if (stopped) process.kill(writer, 'SIGCONT');
  });
  return async () => {
    stopped = false;
    const killed = server.kill('SIGKILL');
    // It must not wake up to write first, so it dies as it is.
    process.kill(writer, 'SIGKILL');
    await killed;
    await server.start();
  };
}

/** The postmaster ends all other sessions, for the dead one may have spoiled what they share, and recovers. */
async function killBackend(): Promise<void> {
  process.kill(await pidOf(`application_name = 'tideway/push' and backend_type = 'client backend'`), 'SIGKILL');
}

test.each([
  ['that ends by SIGINT', () => server.kill('SIGINT')],
  ['that ends by SIGQUIT', () => server.kill('SIGQUIT')],
  ['that ends by SIGKILL', () => server.kill('SIGKILL')],
  ['one of whose backends is killed', killBackend],
] as const)('a server %s while changes stream comes back, and nothing is lost or doubled', async (_, kill) => {
  // The app obeys no idempotency key: a create that is sent twice would show.
  const stage = await outbound.stage({ app: { idempotency: false, rowsPerWrite: 10 } });
  const daemon = await outbound.daemon();
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 200) n`);
  await waitFor(() => stage.app.records('items').length > 20);
  await kill();
  await waitFor(() => /follow\.log\.interrupted|daemon\.loop\.failed/.test(daemon.log()));
  await server.start();
  await waitFor(() => pool.query(`update items set qty = qty + 1000 where id % 7 = 0`));
  await expectInStep(stage);
  await daemon.stop();
});

test('marks do not wait for the disk: the log is confirmed when they are there, and what a killed server lost comes again', async () => {
  const stage = await outbound.stage();
  const daemon = await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await stage.shows([[1, 'hammer', 1]]);
  await outbound.settled();
  await pool.query(`select tideway.pause('items')`);
  const killServer = await stopLogWriter();
  const areMarked = async (count: number): Promise<boolean> =>
    (await pool.query('select from tideway_private.outbox')).rowCount === count;

  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(2, 50) n`);
  const { rows: inserted } = await pool.query<{ lsn: string }>('select pg_current_wal_flush_lsn() as lsn');
  const { written } = await waitFor(
    async () => {
      const { rows } = await pool.query<{ confirmed: boolean; written: string }>(
        `select confirmed_flush_lsn >= $1::pg_lsn as confirmed, pg_current_wal_flush_lsn() - $1::pg_lsn as written
           from pg_replication_slots where slot_name = $2`,
        [inserted[0]?.lsn, outbound.slot],
      );
      return rows[0]?.confirmed === true && rows[0];
    },
    { within: 30_000, every: 1 },
  );
  // Forty-nine marks take more; heartbeats in between take less.
  expect(Number(written)).toBeGreaterThan(5_000);

  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(51, 100) n`);
  await waitFor(() => areMarked(99));
  const before = daemon.log().length;
  await killServer();
  await waitFor(() => areMarked(99), { within: 30_000 });
  await pool.query(`select tideway.resume('items')`);
  await expectInStep(stage);
  expect(daemon.log().slice(before)).not.toContain('follow.position.doubted');
  await daemon.stop();
});

test('an answer that dies with the server is as one that never came: the rows are read back, and no edit in the app is lost', async () => {
  const stage = await outbound.stage({ direction: 'both', app: { idempotency: false } });
  const first = await outbound.daemon();
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 20) n`);
  await waitFor(() => stage.app.records('items').length === 20);
  await outbound.settled();
  await first.stop();

  const doomed = await outbound.daemon({ TIDEWAY_FAILPOINT: 'push.completed' });
  await outbound.followed();
  const killServer = await stopLogWriter();
  const before = stage.effects().length;
  await pool.query(`update items set qty = qty + 100 where id <= 5`);
  expect(await doomed.ended).toBe('SIGKILL');
  const inFlight = async (): Promise<number | null> =>
    (await pool.query('select from tideway_private.in_flight')).rowCount;
  expect(await inFlight()).toBe(0);
  await killServer();
  // What was about to be sent had waited for the disk, its answer had not.
  expect(await inFlight()).toBe(1);

  stage.edit({ op: 'update', id: stage.record(3)?.id ?? '', values: { qty: 7 } });
  await outbound.daemon();
  await waitFor(async () => (await pool.query('select from items where id = 3 and qty = 7')).rowCount === 1);
  await expectInStep(stage);
  expect(
    stage
      .effects()
      .slice(before)
      .map(({ op, values }) => [op, plain(values?.['qty'])]),
  ).toEqual([101, 102, 103, 104, 105].map((qty) => ['update', qty]));
});

test('the ids of new records do not die with the server', async () => {
  const stage = await outbound.stage({ app: { idempotency: false } });
  const doomed = await outbound.daemon({ TIDEWAY_FAILPOINT: 'push.completed' });
  await outbound.followed();
  const killServer = await stopLogWriter();
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 5) n`);
  expect(await doomed.ended).toBe('SIGKILL');
  await killServer();
  const { rows } = await pool.query<{ remote_id: string }>('select remote_id from tideway_private.links order by id');
  expect(rows.map(({ remote_id }) => remote_id)).toEqual(stage.app.records('items').map(({ id }) => id));
  await outbound.daemon();
  await expectInStep(stage);
});

test('a backfill that a shutdown of the server breaks off goes on where it was', async () => {
  const stage = await outbound.stage({ app: { rowsPerWrite: 20 } });
  const daemon = await outbound.daemon();
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 400) n`);
  await waitFor(() => stage.app.records('items').length === 400, { within: 60_000 });
  await outbound.settled();
  const before = stage.effects().length;
  await pool.query(`select tideway.backfill('items')`);
  await waitFor(() => stage.effects().length >= before + 60, { within: 30_000 });
  await server.kill('SIGINT');
  await server.start();
  await outbound.settled(90_000);
  expect(stage.app.records('items')).toHaveLength(400);
  expect(
    new Set(
      stage
        .effects()
        .slice(before)
        .map(({ id }) => id),
    ).size,
  ).toBe(400);
  expect(stage.effects().length - before).toBeLessThan(500);
  await daemon.stop();
});

test('while others hold all connections of the server the daemon waits for one, and goes on', async () => {
  await server.stop();
  await server.start({ max_connections: 60 });
  const stage = await outbound.stage();
  const daemon = await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await stage.shows([[1, 'hammer', 1]]);
  await outbound.settled();
  const others: pg.Client[] = [];
  const crowd = async (): Promise<void> => {
    for (;;) {
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => undefined);
      await client.connect();
      others.push(client);
    }
  };
  await crowd().catch(() => undefined);
  await others[0]?.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'tideway/%' and backend_type = 'client backend'`,
  );
  await crowd().catch(() => undefined);
  await waitFor(() => /too many clients|connection slots/.test(daemon.log()));
  await others[0]?.query(`update items set qty = 2`);
  await Promise.all(others.map((client) => client.end()));
  await stage.shows([[1, 'hammer', 2]], 30_000);
  await outbound.settled();
  await daemon.stop();
});

test('while the server takes no writes the daemon goes on trying, and goes on when it does', async () => {
  const stage = await outbound.stage();
  const daemon = await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await stage.shows([[1, 'hammer', 1]]);
  await outbound.settled();
  await pool.query(`alter system set default_transaction_read_only = on`);
  await pool.query('select pg_reload_conf()');
  await waitFor(() => daemon.log().includes('read-only transaction'), { within: 30_000 });
  await pool.query(`alter system reset default_transaction_read_only`);
  await pool.query('select pg_reload_conf()');
  await waitFor(() => pool.query(`update items set qty = 2`));
  await stage.shows([[1, 'hammer', 2]], 60_000);
  await outbound.settled(60_000);
  await daemon.stop();
});

test('a table that somebody locks waits alone, and no user of it waits for Tideway', async () => {
  const locked = await outbound.stage({ name: 'locked' });
  const free = await outbound.stage({ name: 'free' });
  await outbound.daemon();
  await pool.query(`insert into locked values (1, 'hammer', 1)`);
  await locked.shows([[1, 'hammer', 1]]);
  const person = new pg.Client({ connectionString: url });
  await person.connect();
  try {
    await person.query(`begin; update locked set qty = 2; lock table locked in access exclusive mode`);
    await pool.query(`insert into free values (1, 'saw', 1)`);
    await free.shows([[1, 'saw', 1]], 30_000);
    await person.query('commit');
  } finally {
    await person.end();
  }
  await locked.shows([[1, 'hammer', 2]], 30_000);
  await outbound.settled();
});

test('while the server is down a webhook is answered with 503, and the app may come again', async () => {
  const stage = await outbound.stage({ direction: 'both' });
  const daemon = await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await stage.shows([[1, 'hammer', 1]]);
  const { rows } = await pool.query<{ path: string }>(`select tideway.webhook_url('items') as path`);
  const door = doorOf(daemon);
  await server.stop();
  const answer = await fetch(`${door}${rows[0]?.path ?? ''}`, { method: 'POST', body: '{}' });
  expect(answer.status).toBe(503);
  expect((await fetch(`${door}/healthz`)).status).toBe(200);
  expect((await fetch(`${door}/readyz`)).status).toBe(503);
  await server.start();
  await pool.query(`update items set qty = 2`);
  await stage.shows([[1, 'hammer', 2]], 30_000);
  await outbound.settled();
});

test('a daemon that finds no database waits for it, says so once with the mend, and works when it is there', async () => {
  const stage = await outbound.stage();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await server.stop();
  const early = runningTideway(['start'], {
    DATABASE_URL: url,
    TIDEWAY_SLOT: outbound.slot,
    TIDEWAY_HTTP_PORT: '0',
    TIDEWAY_EGRESS_ALLOW: '127.0.0.1',
    PLAIN_TOKEN: stage.app.token,
  });
  await early.says('TWC01');
  expect(early.text()).not.toContain(new URL(url).password);
  await server.start();
  await early.says('Tideway runs');
  await stage.shows([[1, 'hammer', 1]]);
  await outbound.settled();
  expect(early.text().match(/TWC01/g)).toHaveLength(1);
  expect(await early.end('SIGTERM')).toBe(0);
});

test('a daemon that waits for its database stops when it is told to', async () => {
  const early = runningTideway(['start'], { DATABASE_URL: 'postgres://me:hunter2@127.0.0.1:1/db' });
  await early.says('TWC01');
  expect(await early.end('SIGTERM')).toBe(0);
  expect(early.text()).not.toContain('hunter2');
});
