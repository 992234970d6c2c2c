import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { currentMigrations } from '../../../src/cli/migrations.ts';
import { schemaText } from '../../../scripts/schema-text.ts';
import { tideway } from '../../support/command.ts';

const name = `tideway_migrate_${process.pid}`;
const url = Object.assign(new URL(inject('serverUrl')), { pathname: name }).href;
const flags = currentMigrations().length > 0 ? ['--current'] : [];
const server = new pg.Client({ connectionString: inject('serverUrl') });

async function fresh() {
  await server.query(`drop database if exists ${name} with (force)`);
  await server.query(`create database ${name}`);
}

async function ask(sql: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client.query(sql).finally(() => client.end());
}

beforeAll(() => server.connect());
afterAll(async () => {
  await server.query(`drop database if exists ${name} with (force)`);
  await server.end();
});

test('three machines may migrate at once', async () => {
  await fresh();
  const outcomes = await Promise.all(
    [1, 2, 3].map(() => tideway(['migrate', ...flags], { env: { DATABASE_URL: url } })),
  );
  expect(outcomes.map(({ code, err }) => ({ code, err }))).toEqual(Array(3).fill({ code: 0, err: '' }));
  const { rows } = await ask('select count(*)::int as records from tideway_private.release');
  expect(rows).toEqual([{ records: 1 }]);
});

test('a mapping whose SQL an older release wrote gets the SQL of this one, once', async () => {
  await ask(`create table public.products (id integer primary key, name text);
    select tideway.connect('shop', 'shopify', '{}');
    select tideway.map('products', 'shop', 'Products', 'products', '[{"local": "id", "remote": "Id"}, {"local": "name", "remote": "Name"}]')`);
  const statements = async () => (await ask('select * from tideway.explain_mapping($$products$$)')).rows as unknown[];
  const wanted = await statements();
  await ask(`update tideway_private.statements set sql = '-- of old' || sql where kind = 'convert'`);

  const first = await tideway(['migrate', ...flags], { env: { DATABASE_URL: url } });
  expect(first.out).toContain('Wrote the SQL of mapping "products" anew');
  expect(await statements()).toEqual(wanted);
  const second = await tideway(['migrate', ...flags], { env: { DATABASE_URL: url } });
  expect(second).toMatchObject({ code: 0, out: expect.not.stringContaining('Wrote the SQL') as string });
});

test('a function whose file is gone leaves the database, overloads one by one', async () => {
  await fresh();
  await tideway(['migrate', ...flags], { env: { DATABASE_URL: url } });
  await ask(`set role tideway_owner;
    create function tideway.version(which int) returns int language sql set search_path = '' as 'select 1'`);
  const { code, out } = await tideway(['migrate', ...flags], { env: { DATABASE_URL: url } });
  expect(code).toBe(0);
  expect(out).toContain('Dropped tideway.version(integer)');
  const { rows } = await ask(
    `select oid::regprocedure::text as name from pg_proc where proname = 'version' and pronamespace = 'tideway'::regnamespace`,
  );
  expect(rows).toEqual([{ name: 'tideway.version()' }]);
});

test('what somebody built on a vanished function stops the change', async () => {
  await ask(`set role tideway_owner;
    create function tideway.gone() returns int language sql set search_path = '' as 'select 1';
    reset role; create view public.built_on_it as select tideway.gone()`);
  const { code, err } = await tideway(['migrate', ...flags], { env: { DATABASE_URL: url } });
  expect(code).toBe(1);
  expect(err).toMatch(/TWM03[\s\S]*tideway\.gone\(\)[\s\S]*built_on_it/);
  expect(err).not.toMatch(/\n\s+at /);
});

test("somebody else's ledger is refused, with a way on", async () => {
  await fresh();
  await ask(`create schema graphile_migrate;
    create table graphile_migrate.migrations (hash text primary key, previous_hash text, filename text, date timestamptz default now());
    insert into graphile_migrate.migrations (hash, filename) values ('sha1:1', '000001-shop.sql')`);
  const { code, err } = await tideway(['migrate', ...flags], { env: { DATABASE_URL: url } });
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringMatching(/TWM01[\s\S]*000001-shop\.sql[\s\S]*--print/) as string,
  });
});

test('a newer database is refused with both versions', async () => {
  await fresh();
  await tideway(['migrate', ...flags], { env: { DATABASE_URL: url } });
  await ask(`insert into tideway_private.release (version, source_hash) values ('99.1.0', 'x')`);
  const { code, err } = await tideway(['migrate', ...flags], { env: { DATABASE_URL: url } });
  expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/TWM02.*99\.1\.0.*0\.1\.0/) as string });
});

test('the printed SQL makes the same database', async () => {
  await fresh();
  const { out } = await tideway(['migrate', '--print', ...flags]);
  await ask(out);
  expect(await schemaText(url)).toBe(readFileSync('db/schema.sql', 'utf8'));
  const printed = await behaviour();
  await fresh();
  await tideway(['migrate', ...flags], { env: { DATABASE_URL: url } });
  expect(printed).toEqual(await behaviour());
});

/** Everything that db/source makes: functions, views, triggers, policies, defaults, comments and grants. */
async function behaviour(): Promise<string[]> {
  const { rows } = await ask(`
    with spaces as (select oid from pg_namespace where nspname in ('tideway', 'tideway_private', 'tideway_run'))
    select pg_get_functiondef(oid) || coalesce(proacl::text, '') || coalesce(obj_description(oid, 'pg_proc'), '') as line
      from pg_proc where pronamespace in (select oid from spaces) and prokind = 'f'
    union all
    select oid::regclass || coalesce(relacl::text, '') || relrowsecurity || coalesce(obj_description(oid, 'pg_class'), '')
           || case when relkind = 'v' then pg_get_viewdef(oid) else '' end
      from pg_class where relnamespace in (select oid from spaces) and relkind in ('r', 'p', 'v')
    union all
    select pg_get_triggerdef(t.oid) from pg_trigger as t join pg_class as c on c.oid = t.tgrelid
     where c.relnamespace in (select oid from spaces) and not t.tgisinternal
    union all
    select concat_ws(' ', schemaname, tablename, policyname, roles, cmd, qual, with_check) from pg_policies
     where schemaname like 'tideway%'
    union all
    select c.oid::regclass || '.' || a.attname || coalesce(col_description(c.oid, a.attnum), '')
      from pg_class as c join pg_attribute as a on a.attrelid = c.oid
     where c.relnamespace in (select oid from spaces) and c.relkind in ('r', 'p', 'v') and a.attnum > 0 and not a.attisdropped
     order by 1`);
  return (rows as { line: string }[]).map(({ line }) => line);
}
