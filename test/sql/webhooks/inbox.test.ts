import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine } from '../../support/engine.ts';
import { useLogins } from '../../support/logins.ts';

const database = useDatabase();
const { pool } = database;
const logins = useLogins(database);
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

const TABLE = 'id integer primary key, name text';

async function connectionOf(mapping: number): Promise<{ number: number; name: string }> {
  const { rows } = await pool.query<{ number: number; name: string }>(
    `select c.number, c.name from tideway.connections c join tideway.mappings m on m.connection_id = c.id where m.number = $1`,
    [mapping],
  );
  return rows[0] ?? { number: 0, name: '' };
}

const receive = async (connection: number, id: string, changed: object[]) =>
  (
    await pool.query(`select * from tideway_private.receive_webhooks($1)`, [
      JSON.stringify([{ connection, id, changed, ms: 1 }]),
    ])
  ).rowCount;
const settle = () => pool.query(`select tideway_private.settle_inbox()`);
const waiting = async (mapping: number) =>
  (
    await pool.query<{ remote_id: string }>(
      `select remote_id, reason, attempts from tideway_private.rereads where mapping = $1 order by 1`,
      [mapping],
    )
  ).rows;

test('a delivery counts once; many about one record become one read, due at once', async () => {
  const map = await engine.aMapping({ table: TABLE, direction: 'pull' });
  const { number } = await connectionOf(map.number);
  const named = [{ table: `Remote ${map.name}`, ids: ['b', 'a', 'a'] }];
  expect(await receive(number, 'one', named)).toBe(1);
  expect(await receive(number, 'one', named)).toBe(0);
  expect(await receive(number, 'two', [{ table: `Remote ${map.name}`, ids: ['a'] }])).toBe(1);
  await settle();
  expect(await waiting(map.number)).toEqual([
    { remote_id: 'a', reason: 'webhook', attempts: 0 },
    { remote_id: 'b', reason: 'webhook', attempts: 0 },
  ]);
  await pool.query(`update tideway_private.rereads set due_at = now() + interval '1 hour', attempts = 9`);
  await receive(number, 'three', [{ table: `Remote ${map.name}`, ids: ['a'] }]);
  await settle();
  const { rows } = await pool.query(
    `select remote_id from tideway_private.rereads where mapping = $1 and due_at <= clock_timestamp()`,
    [map.number],
  );
  expect(rows).toEqual([{ remote_id: 'a' }]);
  await receive(number, 'four', [{ table: 'another table', ids: ['c'] }]);
  await receive(number, 'five', [{ table: null, ids: ['d'] }]);
  await settle();
  expect((await waiting(map.number)).map(({ remote_id: id }) => id)).toEqual(['a', 'b', 'd']);
});

test('a page that was asked for before the webhook came does not settle what it names', async () => {
  const map = await engine.aMapping({ table: TABLE, direction: 'pull' });
  const { number } = await connectionOf(map.number);
  const asked = await engine.ask();
  await receive(number, 'one', [{ table: `Remote ${map.name}`, ids: ['r1'] }]);
  await settle();
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'as it was' } }], { asked });
  expect(await waiting(map.number)).toHaveLength(1);
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'as it is' } }]);
  expect(await waiting(map.number)).toEqual([]);
});

test('the address of a connection stays, is unlike any other, and is not for other organisations', async () => {
  const one = await connectionOf((await engine.aMapping({ table: TABLE, direction: 'pull' })).number);
  const two = await connectionOf((await engine.aMapping({ table: TABLE, direction: 'pull' })).number);
  const url = async (name: string) =>
    (await pool.query<{ url: string }>(`select tideway.webhook_url($1) as url`, [name])).rows[0]?.url ?? '';
  expect(await url(one.name)).toMatch(/^\/webhooks\/[0-9a-f]{64}$/);
  expect(await url(one.name)).toBe(await url(one.name));
  expect(await url(two.name)).not.toBe(await url(one.name));
  await pool.query(`select tideway_private.open_door('https://tideway.example.com/')`);
  expect(await url(one.name)).toMatch(/^https:\/\/tideway\.example\.com\/webhooks\/[0-9a-f]{64}$/);

  const { role, client } = await logins.login('tideway_operator');
  await pool.query(`insert into tideway.organisations (org_id) values ('other') on conflict do nothing`);
  await pool.query(`insert into tideway.members (login, org_id) values ($1, 'other')`, [role]);
  for (const call of ['webhook_url($1)', `set_webhook_secret($1, 'env:X')`]) {
    await expect(client.query(`select tideway.${call}`, [one.name])).rejects.toMatchObject({ code: 'TWCON' });
  }
  await expect(client.query('select * from tideway_private.webhook_tokens')).rejects.toMatchObject({ code: '42501' });
  await expect(client.query('select * from tideway_private.webhook_secrets')).rejects.toMatchObject({ code: '42501' });
  await pool.query(`delete from tideway.members where login = $1`, [role]);
  await pool.query(`delete from tideway.organisations where org_id = 'other'`);
});

test('a webhook secret is a reference, and the two newest count', async () => {
  const { name, number } = await connectionOf((await engine.aMapping({ table: TABLE, direction: 'pull' })).number);
  const set = (secret: string) => pool.query(`select tideway.set_webhook_secret($1, $2)`, [name, secret]);
  const clear = set('hunter2');
  await expect(clear).rejects.toMatchObject({ code: 'TWSEC' });
  await expect(clear.catch((error: unknown) => JSON.stringify(error))).resolves.not.toContain('hunter2');
  for (const secret of ['env:ONE', 'env:TWO', 'env:THREE']) await set(secret);
  const { rows } = await pool.query<{ token: string }>(`select tideway_private.webhook_token($1, 'default') as token`, [
    number,
  ]);
  const target = await pool.query(`select "references" from tideway_private.webhook_target($1)`, [rows[0]?.token]);
  expect(target.rows).toEqual([{ references: ['env:THREE', 'env:TWO'] }]);
  expect((await pool.query(`select from tideway_private.webhook_target($1)`, ['0'.repeat(64)])).rowCount).toBe(0);
});

test('of what an app gives out the newest counts, and of webhook secrets the one before as well', async () => {
  const map = await engine.aMapping({ table: TABLE, direction: 'pull' });
  const { number } = await connectionOf(map.number);
  const { rows } = await pool.query<{ epoch: string }>(
    `select epoch::text from tideway_private.leases where connection = $1`,
    [number],
  );
  for (const name of ['webhook_secret', 'refresh']) {
    for (const value of ['1', '2', '3']) {
      await pool.query(`select tideway_private.store_token($1, $2, $3, $4)`, [
        number,
        rows[0]?.epoch,
        name,
        `sealed:v1:${value}`,
      ]);
    }
  }
  const kept = await pool.query<{ name: string; sealed: string }>(
    `select name, string_agg(sealed, ' ' order by version) as sealed from tideway_private.tokens where connection = $1 group by 1 order by 1`,
    [number],
  );
  expect(kept.rows).toEqual([
    { name: 'refresh', sealed: 'sealed:v1:3' },
    { name: 'webhook_secret', sealed: 'sealed:v1:2 sealed:v1:3' },
  ]);
  const load = await pool.query(`select tideway_private.load_token($1, 'webhook_secret') as sealed`, [number]);
  expect(load.rows).toEqual([{ sealed: 'sealed:v1:3' }]);
});
