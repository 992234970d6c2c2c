import { afterAll, afterEach, expect, test } from 'vitest';
import { useOutbound } from '../flow/outbound/stage.ts';
import { startDisposableServer } from '../support/disposable-server.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait-for.ts';

const server = await startDisposableServer();
const { pool, url } = server;
const net = await startTcpProxy(server.port);
const behind = Object.assign(new URL(url), { port: String(net.port) }).href;
const outbound = useOutbound({ name: 'postgres', url, pool });
afterAll(async () => {
  await net.stop();
  await server.remove();
});
afterEach(() => server.thaw());

test('a log stream that is half open is given up after half a minute, and nothing is lost', async () => {
  const stage = await outbound.stage();
  await outbound.daemon({ TIDEWAY_REPLICATION_URL: behind });
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await stage.shows([[1, 'hammer', 1]]);
  await outbound.settled();
  net.halfOpen();
  await pool.query(`update items set qty = 2`);
  await stage.shows([[1, 'hammer', 2]], 60_000);
  await outbound.settled(60_000);
});

test('a database whose connections are all half open is connected to anew', async () => {
  const stage = await outbound.stage();
  const daemon = await outbound.daemon({ DATABASE_URL: behind });
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await stage.shows([[1, 'hammer', 1]]);
  await outbound.settled();
  net.halfOpen();
  await pool.query(`update items set qty = 2`);
  await stage.shows([[1, 'hammer', 2]], 90_000);
  await outbound.settled();
  await daemon.stop();
});

test('a server that is frozen stops its daemon from nothing but working: it ends in time, or goes on afterwards', async () => {
  const stage = await outbound.stage({ app: { idempotency: false } });
  const first = await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await stage.shows([[1, 'hammer', 1]]);
  server.freeze();
  await first.stop();
  server.thaw();
  const second = await outbound.daemon();
  await outbound.settled();
  server.freeze();
  await waitFor(() => /daemon\.database\.silent|daemon\.lease\.lost/.test(second.log()), { within: 60_000 });
  server.thaw();
  await pool.query(`update items set qty = 2`);
  await stage.shows([[1, 'hammer', 2]], 30_000);
  await outbound.settled();
  expect(stage.effects().map(({ op }) => op)).toEqual(['create', 'update']);
});

test('an owner that is cut off from the database, but not from the app, sends nothing once its lease is over', async () => {
  const stage = await outbound.stage({
    app: {
      idempotency: false,
      allOrNothing: true,
      tables: [
        {
          id: 'items',
          columns: [
            { id: 'ref', type: 'number' },
            { id: 'name', type: 'text', maxLength: 20 },
            { id: 'qty', type: 'number' },
          ],
        },
      ],
    },
    settings: { request_life: 3_000 },
  });
  const daemon = await outbound.daemon({ DATABASE_URL: behind });
  await outbound.settled();
  // One bad row among 64 is found by halving: a dozen requests, one after the other, with no word to the database between them.
  stage.app.fail({ path: '/write', count: 1_000, with: { kind: 'delay', milliseconds: 1_200 } });
  await pool.query(
    `insert into items select n, case n when 64 then repeat('x', 30) else 'item ' || n end, n from generate_series(1, 64) n`,
  );
  await waitFor(() => stage.writes() > 0, { within: 30_000 });
  net.swallow();
  try {
    // It goes on sending while the lease lasts, and gives the rest up.
    await waitFor(() => daemon.log().includes('push.batch.sent'), { within: 60_000 });
    expect(stage.app.records('items').length).toBeLessThan(63);
    stage.app.clearFaults();
    // Whoever owns the connection next begins with what was out.
    const next = await outbound.daemon();
    await waitFor(() => next.log().includes('Took the connection'), { within: 30_000 });
  } finally {
    net.reset();
    net.heal();
  }
  await waitFor(() => expect(stage.app.records('items')).toHaveLength(63), { within: 90_000 });
  await waitFor(async () =>
    expect((await pool.query(`select local_key, state from tideway.failed_rows`)).rows).toEqual([
      { local_key: '64', state: 'failed' },
    ]),
  );
  expect(stage.effects().filter(({ op }) => op === 'create')).toHaveLength(63);
});
