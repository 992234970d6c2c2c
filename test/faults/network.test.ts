import { afterEach, expect, test } from 'vitest';
import { doorOf } from '../flow/http/door.ts';
import { useOutbound } from '../flow/outbound/stage.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait-for.ts';

const outbound = useOutbound();
const { pool, url } = outbound;
const proxies: TcpProxy[] = [];

async function proxy(): Promise<TcpProxy> {
  const made = await startTcpProxy();
  proxies.push(made);
  return made;
}
afterEach(async () => {
  await Promise.all(proxies.splice(0).map((one) => one.stop()));
});

/** The address of the database behind a proxy. */
async function databaseBehind(): Promise<{ net: TcpProxy; behind: string }> {
  const net = await proxy();
  net.leadTo(Number(new URL(url).port));
  return { net, behind: Object.assign(new URL(url), { port: String(net.port) }).href };
}

/** A mapped table whose app stands behind a proxy; no idempotency key hides a create that is sent twice. */
async function stageBehind(settings: Record<string, unknown> = {}) {
  const net = await proxy();
  const stage = await outbound.stage({
    app: { idempotency: false },
    settings: { base_url: `http://127.0.0.1:${String(net.port)}`, ...settings },
  });
  net.leadTo(Number(new URL(stage.app.url).port));
  return { net, stage };
}

const rows = (from: number, to: number, qty = (n: number) => n) =>
  Array.from({ length: to - from + 1 }, (_, i) => [from + i, `item ${String(from + i)}`, qty(from + i)] as const);

test('the log is cut off in the middle of a transaction, again and again: every row arrives once', async () => {
  const stage = await outbound.stage({ app: { idempotency: false } });
  const { net, behind } = await databaseBehind();
  const daemon = await outbound.daemon({ TIDEWAY_REPLICATION_URL: behind });
  await outbound.followed();
  for (const bytes of [20_000, 60_000, 100_000]) net.cutAfter(bytes, 'to the client');
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 2000) n`);
  await stage.shows(rows(1, 2000), 60_000);
  await outbound.settled();
  expect(daemon.log().match(/follow\.log\.interrupted/g)?.length).toBe(3);
  expect(stage.effects()).toHaveLength(2000);
});

test('all connections to the database are reset while changes stream: every row arrives once', async () => {
  const stage = await outbound.stage({ app: { idempotency: false, rowsPerWrite: 20 } });
  const { net, behind } = await databaseBehind();
  await outbound.daemon({ DATABASE_URL: behind });
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 300) n`);
  for (const shown of [40, 120]) {
    await waitFor(() => stage.app.records('items').length >= shown, { within: 30_000 });
    net.reset();
  }
  await stage.shows(rows(1, 300), 60_000);
  await outbound.settled();
  expect(stage.effects()).toHaveLength(300);
});

test('an app behind a black hole: the write is given up, looked up, and made once', async () => {
  const { net, stage } = await stageBehind({ request_life: 3_000 });
  await outbound.daemon();
  await outbound.settled();
  net.swallow();
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 3) n`);
  await waitFor(async () => expect((await pool.query('select from tideway_private.waiting')).rowCount).toBe(3), {
    within: 40_000,
  });
  // What was on its way arrives now, after the answer was given up.
  net.heal();
  await stage.shows(rows(1, 3), 30_000);
  await outbound.settled();
  expect(stage.effects().map(({ op }) => op)).toEqual(['create', 'create', 'create']);
});

test.each([
  ['after the request', 'to the client'],
  ['in the request', 'to the server'],
] as const)('a write that is reset %s is looked up, and made once', async (_, direction) => {
  const { net, stage } = await stageBehind();
  await outbound.daemon();
  await outbound.settled();
  net.reset();
  net.cutAfter(0, direction);
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 3) n`);
  await stage.shows(rows(1, 3), 30_000);
  await outbound.settled();
  expect(stage.effects()).toHaveLength(3);
});

test('a page that is cut off after some thousand bytes applies nothing of itself, and is read again', async () => {
  const net = await proxy();
  const stage = await outbound.stage({
    direction: 'pull',
    settings: { base_url: `http://127.0.0.1:${String(net.port)}` },
    mapping: { schedule: '1 s' },
  });
  net.leadTo(Number(new URL(stage.app.url).port));
  for (let ref = 1; ref <= 150; ref += 1)
    stage.edit({ op: 'create', values: { ref, name: `item ${String(ref)}`, qty: ref } });
  net.cutAfter(3_000, 'to the client');
  net.cutAfter(9_000, 'to the client');
  await outbound.daemon();
  await stage.holds(rows(1, 150), 30_000);
  expect((await pool.query('select from tideway_private.deletions')).rowCount).toBe(0);
});

test('a database far away and slow is only slow', async () => {
  const stage = await outbound.stage({ app: { idempotency: false } });
  const { net, behind } = await databaseBehind();
  await pool.query(`alter database ${outbound.name} set wal_sender_timeout = '2s'`);
  try {
    const daemon = await outbound.daemon({ DATABASE_URL: behind });
    net.delay(15);
    net.throttle(400_000);
    await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 1000) n`);
    await stage.shows(rows(1, 1000), 90_000);
    await outbound.settled(60_000);
    expect(stage.effects()).toHaveLength(1000);
    expect(daemon.log()).not.toContain('follow.log.interrupted');
  } finally {
    await pool.query(`alter database ${outbound.name} reset wal_sender_timeout`);
  }
});

/** A daemon that does nothing at all for so long, from SIGUSR2 on: no timer runs, no byte is read or written. */
function standstill(milliseconds: number): Record<string, string> {
  const code = `process.on('SIGUSR2', () => {
    const end = performance.now() + ${String(milliseconds)};
    while (performance.now() < end);
  });`;
  return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(code)}` };
}

test('a daemon that stands still until the server gives up on it comes back, loses nothing, and its metrics show it', async () => {
  const stage = await outbound.stage({ app: { idempotency: false } });
  await pool.query(`alter database ${outbound.name} set wal_sender_timeout = '1s'`);
  try {
    const daemon = await outbound.daemon(standstill(4_000));
    await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 20) n`);
    await stage.shows(rows(1, 20));
    await outbound.settled();
    await (await fetch(`${doorOf(daemon)}/metrics`)).text();
    process.kill(daemon.pid, 'SIGUSR2');
    await waitFor(async () =>
      expect(
        (await pool.query(`select from pg_replication_slots where database = $1 and active`, [outbound.name])).rows,
      ).toEqual([]),
    );
    await pool.query(`update items set qty = qty + 1000; insert into items values (21, 'item 21', 1021)`);
    await waitFor(() => daemon.log().includes('follow.log.interrupted'));
    await stage.shows(rows(1, 21, (n) => n + 1000));
    await outbound.settled();
    expect(stage.effects()).toHaveLength(41);
    const metrics = await (await fetch(`${doorOf(daemon)}/metrics`)).text();
    expect(Number(/^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(metrics)?.[1])).toBeGreaterThan(1);
  } finally {
    await pool.query(`alter database ${outbound.name} reset wal_sender_timeout`);
  }
});

/** What a server says that cannot decode a part of its log. */
function undecodable(): Buffer {
  const fields = Buffer.from('SERROR\0VERROR\0CXX000\0Mcould not map filenumber "base/1/2" to relation OID\0\0');
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

test('a part of the log that the server can never decode is left out after three tries, and every row is compared', async () => {
  const stage = await outbound.stage();
  const { net, behind } = await databaseBehind();
  const daemon = await outbound.daemon({ TIDEWAY_REPLICATION_URL: behind });
  await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 5) n`);
  await stage.shows(rows(1, 5));
  await outbound.settled();
  net.swallow();
  await pool.query(`update items set qty = 50 where id = 5; delete from items where id = 1`);
  for (let time = 1; time <= 3; time += 1) {
    await waitFor(() => net.open() === 1);
    net.speak(undecodable());
    await waitFor(() => expect(daemon.log().match(/XX000/g)).toHaveLength(time), { within: 20_000 });
    if (time < 3) {
      // Only the handshake passes.
      net.heal();
      await waitFor(() => daemon.log().split('follow.log.followed').length === time + 2, { within: 20_000 });
      net.swallow();
    }
  }
  net.heal();
  await stage.shows(
    [
      [2, 'item 2', 2],
      [3, 'item 3', 3],
      [4, 'item 4', 4],
      [5, 'item 5', 50],
    ],
    30_000,
  );
  await outbound.settled();
  expect(daemon.log()).toContain('follow.log.skipped');
  const { rows: doubts } = await pool.query<{ doubt: string }>(
    `select metadata ->> 'doubt' as doubt from tideway.sync_activity_log where action = 'compare'`,
  );
  expect(doubts.map(({ doubt }) => doubt)).toContain('the server could not decode a part of the log');
});

test('a daemon that is told to stop while an app does not answer stops in time', async () => {
  const { net, stage } = await stageBehind();
  const daemon = await outbound.daemon();
  await outbound.settled();
  net.swallow();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await waitFor(async () => expect((await pool.query('select from tideway_private.in_flight')).rowCount).toBe(1));
  await daemon.stop();
  net.heal();
  await outbound.daemon();
  await stage.shows([[1, 'hammer', 1]], 30_000);
  await outbound.settled();
  expect(stage.effects()).toHaveLength(1);
});
