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
