import { expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';

const database = useDatabase();

const described = `insert into tideway.systems (system, title, settings_schema) values ('glide', 'Glide', '{
  "type": "object", "required": ["appID", "region"], "additionalProperties": false,
  "properties": {
    "appID": {"type": "string", "pattern": "^[A-Za-z0-9]+$"},
    "region": {"enum": ["eu", "us"], "default": "eu"},
    "pageSize": {"type": "integer", "minimum": 1, "maximum": 100}}}')`;

test('connecting twice changes nothing', () =>
  database.rolledBack(async (db) => {
    const connect = `select tideway.connect('crm', 'close', '{"base_url": "https://one.example"}', 'env:CRM') as id`;
    const before = `select c.*, c.xmin::text from tideway.connections c`;
    const first = await db.query(connect);
    const rows = await db.query(before);
    expect((await db.query(connect)).rows).toEqual(first.rows);
    expect((await db.query(before)).rows).toEqual(rows.rows);
    expect((await db.query('select secret from tideway_private.connection_secrets')).rows).toEqual([
      { secret: 'env:CRM' },
    ]);
  }));

test('all mistakes in the settings are named at once, without their values', () =>
  database.rolledBack(async (db) => {
    await db.query(described);
    const refusal = db.query(
      `select tideway.connect('app', 'glide', '{"appId": "hidden", "region": "asia", "pageSize": 1000}')`,
    );
    await expect(refusal).rejects.toMatchObject({
      code: 'TWCFG',
      detail: [
        'appID: is missing.',
        'appId: there is no such setting; did you mean "appID"?',
        'pageSize: must be 100 or less.',
        'region: must be one of eu, us.',
      ].join('\n'),
    });
  }));

test('a default stands in for a missing setting', () =>
  database.rolledBack(async (db) => {
    await db.query(described);
    await expect(db.query(`select tideway.connect('app', 'glide', '{"appID": "a1"}')`)).resolves.toBeDefined();
  }));

test('an unknown system is answered with the nearest', () =>
  database.rolledBack((db) =>
    expect(db.query(`select tideway.connect('app', 'shopfy')`)).rejects.toMatchObject({
      code: 'TWSYS',
      hint: expect.stringContaining('"shopify"') as string,
      detail: expect.stringContaining('airtable') as string,
    }),
  ));

test.each(['hunter2', 'sk_live_123', 'env:', 'env:1', 'sealed:', 'vault:', 'enviro:X'])(
  'a secret in clear (%s) is refused and not repeated',
  (secret) =>
    database.rolledBack(async (db) => {
      const error: unknown = await db
        .query(`select tideway.connect('crm', 'close', '{}', $1)`, [secret])
        .catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'TWSEC' });
      const { message, detail, hint } = error as { message: string; detail: string; hint: string };
      if (!secret.endsWith(':')) expect([message, detail, hint].join(' ')).not.toContain(secret);
    }),
);

test('another host or account asks for the secret again, other settings do not', () =>
  database.rolledBack(async (db) => {
    await db.query(`select tideway.connect('crm', 'close', '{"base_url": "https://one.example"}', 'env:CRM')`);
    await db.query(`select tideway.connect('crm', 'close', '{"base_url": "https://one.example", "page": 5}')`);
    await db.query('savepoint moved');
    const moved = db.query(`select tideway.connect('crm', 'close', '{"base_url": "https://two.example"}')`);
    await expect(moved).rejects.toMatchObject({ code: 'TWSEC', hint: expect.stringContaining('secret =>') as string });
    await db.query('rollback to moved');
    expect((await db.query('select config from tideway.connections')).rows).toEqual([
      { config: { base_url: 'https://one.example', page: 5 } },
    ]);
    await db.query(`select tideway.connect('crm', 'close', '{"base_url": "https://two.example"}', 'env:CRM')`);
  }));

test('the account of a connection whose mappings have links is fixed', () =>
  database.rolledBack(async (db) => {
    await db.query(`create table public.people (id bigint primary key, name text)`);
    await db.query(`select tideway.connect('crm', 'close', '{"base_url": "https://one.example"}', 'env:CRM')`);
    await db.query(
      `select tideway.map('people', 'crm', 'lead', 'public.people', '[{"local": "id", "remote": "key"}, {"local": "name", "remote": "name"}]')`,
    );
    await db.query(
      `insert into tideway_private.links (mapping, org_id, local_key, lane) select number, org_id, '1', 0 from tideway.mappings`,
    );
    const moved = db.query(`select tideway.connect('crm', 'close', '{"base_url": "https://two.example"}', 'env:TWO')`);
    await expect(moved).rejects.toMatchObject({
      code: 'TWIDN',
      hint: expect.stringContaining('tideway.unmap') as string,
    });
  }));

test('a new secret lets an unauthorized connection work again', () =>
  database.rolledBack(async (db) => {
    await db.query(`select tideway.connect('crm', 'close', '{}', 'env:OLD')`);
    await db.query(
      `update tideway.connections set state = 'unauthorized', paused_at = now(), paused_reason = 'refused'`,
    );
    await db.query(`select tideway.connect('crm', 'close', '{}', 'env:NEW')`);
    expect((await db.query('select state, paused_at from tideway.connections')).rows).toEqual([
      { state: 'active', paused_at: null },
    ]);
  }));

test('pausing twice keeps the first time and takes the second reason', () =>
  database.rolledBack(async (db) => {
    await db.query(`select tideway.connect('crm', 'close')`);
    await db.query(`select tideway.pause_connection('crm', 'maintenance')`);
    await db.query(`update tideway.connections set paused_at = '2026-01-01'`);
    await db.query(`select tideway.pause_connection('crm', 'still down')`);
    const { rows } = await db.query(
      `select state, paused_reason, paused_at = '2026-01-01' as first from tideway.connections`,
    );
    expect(rows).toEqual([{ state: 'paused', paused_reason: 'still down', first: true }]);
    expect((await db.query(`select tideway.resume_connection('crm') as n`)).rows).toEqual([{ n: 1 }]);
    expect((await db.query(`select tideway.resume_connection('crm') as n`)).rows).toEqual([{ n: 0 }]);
  }));

test('a connection in use cannot be removed, one without mappings leaves nothing behind', () =>
  database.rolledBack(async (db) => {
    await db.query(`create table public.people (id bigint primary key, name text)`);
    await db.query(`select tideway.connect('crm', 'close', '{}', 'env:CRM')`);
    await db.query(
      `select tideway.map('people', 'crm', 'lead', 'public.people', '[{"local": "id", "remote": "key"}]')`,
    );
    await db.query('savepoint used');
    await expect(db.query(`select tideway.disconnect('crm')`)).rejects.toMatchObject({
      code: 'TWUSE',
      hint: expect.stringContaining(`tideway.unmap('people'`) as string,
    });
    await db.query('rollback to used');
    await db.query(`select tideway.unmap('people')`);
    await db.query(`select tideway.disconnect('crm')`);
    expect((await db.query('select count(*)::int from tideway_private.connection_secrets')).rows).toEqual([
      { count: 0 },
    ]);
  }));

test('an operator does not write definitions by hand', async () => {
  const operator = await database.client('tideway_operator');
  for (const sql of [
    `insert into tideway.connections (org_id, name, system) values ('default', 'x', 'close')`,
    `insert into tideway.mapping_columns (mapping_id, org_id, ordinal, local, remote, field, local_type, direction)
     values (gen_random_uuid(), 'default', 1, 'a', 'a', 'a', 'text', 'pull')`,
  ]) {
    await expect(operator.query(sql)).rejects.toMatchObject({
      code: 'TWDEF',
      hint: expect.stringContaining('tideway.connect') as string,
    });
  }
});
