import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { openDatabase, type Database } from '../../src/sql/database.ts';
import { useDatabase } from '../support/database.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait-for.ts';

const { pool, url } = useDatabase();
const open: Database[] = [];
afterAll(async () => {
  await Promise.all(open.map((database) => database.end({ timeout: 1 })));
});

function opened(address: string, connections: number): Database {
  const database = openDatabase({ url: address, part: 'test', connections });
  open.push(database);
  return database;
}

test('connections that are reset at any moment: every statement ends, and the next one works at once', async () => {
  const net = await startTcpProxy();
  net.leadTo(Number(new URL(url).port));
  const database = opened(Object.assign(new URL(url), { port: String(net.port) }).href, 4);
  let lost = 0;
  for (let round = 0; round < 120; round += 1) {
    const work = [
      ...Array.from({ length: 6 }, (_, n) => database`select ${n}::int as n, repeat('x', 2000) as text`),
      database.begin(async (session) => {
        await session`select pg_sleep(0.001)`;
        return session`select 1`;
      }),
    ];
    const settled = Promise.allSettled(work);
    // From before the connections stand until after the answers.
    for (let turns = 0; turns < round % 24; turns += 1) await turn();
    net.reset();
    lost += (await settled).filter(({ status }) => status === 'rejected').length;
    const again = await Promise.allSettled(Array.from({ length: 4 }, () => database`select 1`));
    lost += again.filter(({ status }) => status === 'rejected').length;
    expect(await database`select ${round}::int as round`).toEqual([{ round }]);
  }
  expect(lost).toBeGreaterThan(20);
  await net.stop();
});

test('a statement whose result has another shape since is prepared anew', async () => {
  const database = opened(url, 3);
  const ask = () => database`select * from shape, pg_sleep(0.05)`;
  await pool.query(`create view shape as select 1 as one`);
  // Each connection has prepared it.
  await Promise.all([ask(), ask(), ask()]);
  await pool.query(`drop view shape; create view shape as select 'a' as letter, 2 as two`);
  expect(await ask()).toMatchObject([{ letter: 'a', two: 2 }]);
});

test("what an address sets for its sessions holds beside the daemon's role", async () => {
  const address = `${url}?options=-c%20work_mem%3D5MB&application_name=mine`;
  const database = openDatabase({ url: address, part: 'test', role: 'tideway_daemon', connections: 1 });
  open.push(database);
  expect(
    await database`select current_user::text as role, current_setting('work_mem') as memory,
                          current_setting('application_name') as name, current_setting('timezone') as zone`,
  ).toEqual([{ role: 'tideway_daemon', memory: '5MB', name: 'tideway/test', zone: 'UTC' }]);
});

test('a pool that ends refuses what waits for a connection, and cuts off what is under way', async () => {
  const database = opened(url, 1);
  const slow = database`select pg_sleep(600)`.catch((error: unknown) => error);
  await waitFor(async () => {
    const { rows } = await pool.query(`select from pg_stat_activity where query = 'select pg_sleep(600)'`);
    expect(rows).toHaveLength(1);
  });
  const waiting = database`select 1`.catch((error: unknown) => error);
  await database.end({ timeout: 0 });
  expect(await waiting).toMatchObject({ code: 'CONNECTION_ENDED' });
  expect(await slow).toMatchObject({ code: 'CONNECTION_CLOSED' });
  await expect(database`select 1`).rejects.toMatchObject({ code: 'CONNECTION_ENDED' });
  // The server finds out only when it has something to say.
  await pool.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where query = 'select pg_sleep(600)'`);
});
