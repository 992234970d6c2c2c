import type pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { useLogins } from '../../support/logins.ts';

const database = useDatabase();
const { pool } = database;
const { login } = useLogins(database);

let acme: pg.Client;
let globex: pg.Client;
let web: pg.Client;
let monitor: pg.Client;

async function column(db: pg.Client | pg.Pool, sql: string): Promise<unknown[]> {
  const { rows } = await db.query<Record<string, unknown>>(sql);
  return rows.map((row) => Object.values(row)[0]);
}

async function claim(claims: unknown): Promise<void> {
  const text = typeof claims === 'string' ? claims : JSON.stringify(claims);
  await web.query(`select set_config('request.jwt.claims', $1, false)`, [text]);
}

beforeAll(async () => {
  const [ann, bob, gate, grafana] = [
    await login('tideway_operator'),
    await login('tideway_operator'),
    await login('tideway_operator'),
    await login('tideway_monitor'),
  ];
  [acme, globex, web, monitor] = [ann.client, bob.client, gate.client, grafana.client];
  await pool.query(`insert into tideway.organisations (org_id) values ('acme'), ('globex')`);
  await pool.query(`insert into tideway.members values ($1, 'acme', 'ann'), ($2, 'globex', 'bob')`, [
    ann.role,
    bob.role,
  ]);
  await pool.query('insert into tideway_private.trusted_logins values ($1)', [gate.role]);
  await acme.query(`select tideway.connect('crm', 'close', '{}', 'env:ACME')`);
  await globex.query(`select tideway.connect('shop', 'shopify', '{}', 'env:GLOBEX')`);
  await pool.query(
    `insert into tideway.sync_activity_log (org_id, action, status) values ('acme', 'pull', 'completed'), ('globex', 'pull', 'failed')`,
  );
});

test('each organisation sees its own rows, the daemon and the monitor see all', async () => {
  expect(await column(acme, 'select name from tideway.connections')).toEqual(['crm']);
  expect(await column(globex, 'select name from tideway.connections')).toEqual(['shop']);
  const daemon = await database.client('tideway_daemon');
  expect(await column(daemon, 'select name from tideway.connections order by 1')).toEqual(['crm', 'shop']);
  expect(await column(monitor, 'select name from tideway.connections order by 1')).toEqual(['crm', 'shop']);
});

test('a row of another organisation is refused with 42501 and a way forward', async () => {
  const insert = acme.query(
    `insert into tideway.sync_list (org_id, item_type, source_platform, target_platform, source_id) values ('globex', 'product', 'netsuite', 'shopify', '1')`,
  );
  await expect(insert).rejects.toMatchObject({ code: '42501', hint: expect.stringContaining('whoami()') as string });
  const connect = acme.query(`select tideway.connect('x', 'close', '{}', null, 'globex')`);
  await expect(connect).rejects.toMatchObject({ code: '42501', hint: expect.stringContaining('whoami()') as string });
});

test('a row cannot be moved or changed across organisations', async () => {
  await acme.query(
    `insert into tideway.saved_search_patterns (name, direction) values ('mine', 'netsuite-to-shopify')`,
  );
  await expect(acme.query(`update tideway.saved_search_patterns set org_id = 'globex'`)).rejects.toMatchObject({
    code: '42501',
  });
  expect((await globex.query(`update tideway.saved_search_patterns set name = 'theirs'`)).rowCount).toBe(0);
  expect((await globex.query(`delete from tideway.saved_search_patterns`)).rowCount).toBe(0);
});

test('a partition is closed, its parent shows the rows of the organisation', async () => {
  expect(await column(acme, 'select count(*)::int from tideway.sync_activity_log')).toEqual([1]);
  await expect(acme.query('select from tideway.sync_activity_log_default')).rejects.toMatchObject({ code: '42501' });
  await pool.query('grant select on tideway.sync_activity_log_default to tideway_operator');
  expect(await column(acme, 'select count(*)::int from tideway.sync_activity_log_default')).toEqual([0]);
  await pool.query('revoke select on tideway.sync_activity_log_default from tideway_operator');
});

test('a new table of ours and a new partition are closed by protect', async () => {
  await database.rolledBack(async (db) => {
    await db.query('set local role tideway_owner');
    await db.query(`create table tideway_private.later (org_id text, n integer)`);
    await db.query(`insert into tideway_private.later values ('acme', 1), ('globex', 2)`);
    await db.query(`select tideway_private.protect('tideway_private.later')`);
    await db.query('grant select on tideway_private.later to tideway_operator');
    await db.query(`reset role`);
    await db.query(`set local tideway.org_id = 'acme'`);
    await db.query('set local role tideway_operator');
    expect((await db.query('select n from tideway_private.later')).rows).toEqual([{ n: 1 }]);
  });
});

test('nobody may truncate, which no policy would stop', async () => {
  for (const role of ['tideway_operator', 'tideway_daemon'] as const) {
    const db = await database.client(role);
    await expect(db.query('truncate tideway.sync_activity_log')).rejects.toMatchObject({ code: '42501' });
  }
});

test('the lint of the five bypasses finds nothing', async () => {
  const lint = `
    select 'no row security: ' || c.oid::regclass as finding from pg_class c
     where c.relnamespace in ('tideway'::regnamespace, 'tideway_private'::regnamespace)
       and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity)
    union all
    select 'no policy: ' || c.oid::regclass from pg_class c
     where c.relnamespace in ('tideway'::regnamespace, 'tideway_private'::regnamespace)
       and c.relkind in ('r', 'p') and not exists (select from pg_policy p where p.polrelid = c.oid)
    union all
    select 'view of its owner: ' || c.oid::regclass from pg_class c
     where c.relnamespace in ('tideway'::regnamespace, 'tideway_private'::regnamespace)
       and c.relkind = 'v' and not coalesce('security_invoker=true' = any (c.reloptions), false)
    union all
    select 'materialized view: ' || c.oid::regclass from pg_class c
     where c.relnamespace in ('tideway'::regnamespace, 'tideway_private'::regnamespace) and c.relkind = 'm'
    union all
    select 'definer for everybody, or without search_path: ' || p.oid::regprocedure from pg_proc p
     where p.pronamespace in ('tideway'::regnamespace, 'tideway_private'::regnamespace) and p.prosecdef
       and (has_function_privilege('public', p.oid, 'execute')
            or not exists (select from unnest(p.proconfig) x where x like 'search_path=%'))
    union all
    select 'truncate: ' || c.oid::regclass || ' ' || r.rolname from pg_class c
     cross join pg_roles r
     where c.relnamespace in ('tideway'::regnamespace, 'tideway_private'::regnamespace) and c.relkind in ('r', 'p')
       and r.rolname in ('tideway_reader', 'tideway_operator', 'tideway_daemon', 'tideway_monitor')
       and has_table_privilege(r.oid, c.oid, 'truncate')
    union all
    select 'open to everybody: ' || p.oid::regprocedure from pg_proc p
     where p.pronamespace in ('tideway'::regnamespace, 'tideway_private'::regnamespace)
       and has_function_privilege('public', p.oid, 'execute')
       and (p.prosecdef or p.proname not in ('transform', 'input_is_valid', 'read_amount', 'builtin_transforms'))`;
  expect(await column(pool, lint)).toEqual([]);
});

test('a secret cannot be read back, nor the logins that are believed', async () => {
  await expect(acme.query('select secret from tideway_private.connection_secrets')).rejects.toMatchObject({
    code: '42501',
  });
  await expect(acme.query('select * from tideway_private.trusted_logins')).rejects.toMatchObject({ code: '42501' });
  const reader = await database.client('tideway_reader');
  await expect(reader.query('select host from tideway_private.connection_secrets')).rejects.toMatchObject({
    code: '42501',
  });
});

test('the monitor reads states and counts, never values', async () => {
  expect(await column(monitor, 'select state from tideway.connections limit 1')).toEqual(['active']);
  for (const sql of [
    'select config from tideway.connections',
    'select message from tideway.sync_errors',
    'select local_key from tideway.sync_errors',
    'select local_value from tideway.conflicts',
    'select local_image from tideway_private.links',
    'select new_value from tideway_private.field_lineage',
    'select error_details from tideway.sync_activity_log',
    'select delta_json from tideway.sync_preview_cache',
    'select filter_config from tideway.saved_search_patterns',
    'select sql from tideway_private.statements',
    'select secret from tideway_private.connection_secrets',
    `update tideway.connections set state = 'paused'`,
  ]) {
    await expect(monitor.query(sql), sql).rejects.toMatchObject({ code: '42501' });
  }
});

test('claims are believed for trusted logins only', async () => {
  await claim({ org_id: 'acme', sub: 'zoe' });
  expect(await column(web, 'select name from tideway.connections')).toEqual(['crm']);
  expect(await column(web, 'select tideway.current_user_id()')).toEqual(['zoe']);
  await claim({ app_metadata: { org_id: 'globex' }, user_metadata: { org_id: 'acme' } });
  expect(await column(web, 'select name from tideway.connections')).toEqual(['shop']);

  await acme.query(
    `select set_config('request.jwt.claims', '{"org_id": "globex"}', false), set_config('tideway.org_id', 'globex', false)`,
  );
  expect(await column(acme, 'select name from tideway.connections')).toEqual(['crm']);
  await acme.query(`select set_config('request.jwt.claims', '', false), set_config('tideway.org_id', '', false)`);
});

test.each([
  '{',
  '[]',
  'null',
  '"acme"',
  '7',
  '{"org_id": ["acme"]}',
  '{"org_id": {"a": 1}}',
  '{"org_id": 1}',
  '{"org_id": ""}',
  '{"org_id": null}',
  '{"app_metadata": "acme"}',
  '{"user_metadata": {"org_id": "acme"}}',
  '\\u0000',
])('claims %s mean no organisation, without an error', async (claims) => {
  await claim(claims);
  expect(await column(web, 'select count(*)::int from tideway.connections')).toEqual([0]);
  expect(await column(web, 'select tideway.current_org_id()')).toEqual([null]);
  expect(await column(web, 'select problem is not null from tideway.whoami()')).toEqual([true]);
});

test('an organisation appears when a trusted login first names it', async () => {
  await claim({ org_id: 'initech', sub: 'peter' });
  await web.query(
    `insert into tideway.saved_search_patterns (name, direction) values ('first', 'netsuite-to-shopify')`,
  );
  expect(await column(pool, `select count(*)::int from tideway.organisations where org_id = 'initech'`)).toEqual([1]);
  expect(await column(web, 'select user_id from tideway.saved_search_patterns')).toEqual(['peter']);
});

test('a person sees own patterns and those of nobody, not those of a colleague', async () => {
  await claim({ org_id: 'hooli', sub: 'one' });
  await web.query(
    `insert into tideway.saved_search_patterns (name, direction) values ('of one', 'netsuite-to-shopify')`,
  );
  await web.query(
    `insert into tideway.saved_search_patterns (name, direction, user_id) values ('of all', 'bidirectional', null)`,
  );
  await claim({ org_id: 'hooli', sub: 'two' });
  expect(await column(web, 'select name from tideway.saved_search_patterns')).toEqual(['of all']);
  await expect(
    web.query(
      `insert into tideway.saved_search_patterns (name, direction, user_id) values ('x', 'bidirectional', 'one')`,
    ),
  ).rejects.toMatchObject({ code: '42501' });
});
