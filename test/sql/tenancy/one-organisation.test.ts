import { expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { useLogins } from '../../support/logins.ts';

const database = useDatabase();
const { login } = useLogins(database);

test('everybody is in the only organisation until there is a second one', async () => {
  const { role, client } = await login('tideway_reader');
  const whoami = async () => (await client.query('select * from tideway.whoami()')).rows[0] as Record<string, unknown>;
  expect(await whoami()).toMatchObject({
    login: role,
    trusted: false,
    org_id: 'default',
    source: 'the only organisation',
  });

  await database.pool.query(`insert into tideway.organisations (org_id) values ('second')`);
  expect(await whoami()).toMatchObject({ org_id: null, mend: expect.stringContaining('tideway.members') as string });

  await database.pool.query(`insert into tideway.members values ($1, 'second', 'eve')`, [role]);
  expect(await whoami()).toMatchObject({ org_id: 'second', user_id: 'eve', source: 'tideway.members', problem: null });
});

test('a reader looks and changes nothing', async () => {
  const reader = await database.client('tideway_reader');
  for (const sql of [
    `select tideway.connect('x', 'close')`,
    `insert into tideway.sync_list (item_type, source_platform, target_platform, source_id) values ('p', 'a', 'b', '1')`,
    `update tideway.mappings set state = 'paused'`,
    `insert into tideway_private.requests (org_id, kind) values ('default', 'sync')`,
  ]) {
    await expect(reader.query(sql), sql).rejects.toMatchObject({ code: '42501' });
  }
});

test('every view of the surface can be read by reader, operator and daemon', async () => {
  const { rows } = await database.pool.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class where relnamespace = 'tideway'::regnamespace and relkind = 'v' order by 1`,
  );
  for (const role of ['tideway_reader', 'tideway_operator', 'tideway_daemon'] as const) {
    const db = await database.client(role);
    for (const { name } of rows)
      await expect(db.query(`select * from ${name} limit 1`), `${role} ${name}`).resolves.toBeDefined();
  }
});
