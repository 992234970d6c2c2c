import { afterAll, afterEach, expect, test } from 'vitest';
import { doorOf } from '../flow/http/door.ts';
import { useOutbound, type Stage } from '../flow/outbound/stage.ts';
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

test.each(['SIGQUIT', 'SIGKILL'] as const)(
  'a server that ends by %s while changes stream comes back, and nothing is lost or doubled',
  async (signal) => {
    // The app obeys no idempotency key: a create that is sent twice would show.
    const stage = await outbound.stage({ app: { idempotency: false, rowsPerWrite: 10 } });
    const daemon = await outbound.daemon();
    await pool.query(`insert into items select n, 'item ' || n, n from generate_series(1, 200) n`);
    await waitFor(() => stage.app.records('items').length > 20);
    await server.kill(signal);
    await waitFor(() => daemon.log().includes('follow.log.interrupted'));
    await server.start();
    await pool.query(`update items set qty = qty + 1000 where id % 7 = 0`);
    await expectInStep(stage);
    await daemon.stop();
  },
);

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
