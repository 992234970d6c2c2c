import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrateDatabase } from '../../../src/cli/migrate-database.ts';
import { currentMigrations } from '../../../src/cli/migrations.ts';
import { startEmbeddedPostgres } from '../../../src/runtime/embedded-postgres.ts';
import type { EmbeddedPostgres } from '../../../src/runtime/embedded-postgres.ts';
import { tideway } from '../../support/command.ts';

interface Finding {
  check: string;
  state: string;
  says: string;
  mend?: string;
}

const directory = mkdtempSync(join(tmpdir(), 'tideway-doctor-'));
let server: EmbeddedPostgres;
let admin: pg.Client;

/** Nothing about this server is as it should be. */
const badly = {
  wal_level: 'replica',
  max_slot_wal_keep_size: -1,
  wal_sender_timeout: '2s',
  idle_replication_slot_timeout: '60s',
  max_replication_slots: 1,
  max_wal_senders: 1,
};

beforeAll(async () => {
  server = await startEmbeddedPostgres({ directory, settings: { ...badly, fsync: 'off' } });
  admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  await admin.query(`select pg_create_physical_replication_slot('taken')`);
  await migrateDatabase({ url: server.url, current: currentMigrations().length > 0, say: () => {} });
});

afterAll(async () => {
  await admin.end();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function examine(env: Record<string, string> = {}) {
  const { code, out, err } = await tideway(['doctor', '--json'], { env: { DATABASE_URL: server.url, ...env } });
  expect(err).toBe('');
  const findings = JSON.parse(out) as Finding[];
  const said = (check: string) => findings.filter((finding) => finding.check === check);
  return { code, findings, said };
}

test('doctor sees everything that is wrong with a server at once, each with its mend', async () => {
  await admin.query(`
    create table public.bare (name text);
    create table public.silent (id int primary key);
    create table public.narrow (id int primary key, note text);
    alter table public.silent replica identity nothing;
    create publication tideway for table public.bare, public.silent, public.narrow (id) with (publish = 'insert, update')`);
  await admin.query(`select tideway.connect('shop', 'airtable', '{"base": "app1"}', 'env:TIDEWAY_TEST_ABSENT')`);
  await admin.query(`select tideway.connect('crm', 'close', '{}', 'sealed:v1:k1:AA:BB')`);
  await admin.query(`create role stranger login password 'p4' nosuperuser;
    grant connect on database postgres to stranger`);
  const { code, said } = await examine();
  expect(code).toBe(1);
  for (const [check, state, mend] of [
    ['wal_level', 'failed', "alter system set wal_level = 'logical'"],
    ['replication slots', 'failed', "max_replication_slots = '6'"],
    ['max_slot_wal_keep_size', 'warning', "max_slot_wal_keep_size = '10GB'"],
    ['wal_sender_timeout', 'warning', "wal_sender_timeout = '60s'"],
    ['idle_replication_slot_timeout', 'warning', "idle_replication_slot_timeout = '0'"],
    ['tables without a key', 'failed', 'alter table bare add primary key'],
    ['replica identity', 'failed', 'alter table silent replica identity default'],
    ['secrets', 'failed', 'TIDEWAY_SEAL_KEY'],
    ['connections', 'warning', "tideway.test_connection('crm')"],
  ] as const) {
    expect(said(check)[0]).toMatchObject({ state, mend: expect.stringContaining(mend) as string });
  }
  expect(said('publication').map(({ mend }) => mend)).toEqual([
    "alter publication tideway set (publish = 'insert, update, delete, truncate');",
    'alter publication tideway set (publish_via_partition_root = true);',
    'alter publication tideway drop table narrow; alter publication tideway add table narrow;',
  ]);
  expect(said('secrets').map(({ says }) => says)).toEqual([
    expect.stringContaining('crm') as string,
    expect.stringContaining('shop: The environment variable TIDEWAY_TEST_ABSENT') as string,
  ]);
});

test('what the mends of the publication say is right', async () => {
  const { said } = await examine();
  for (const { mend } of said('publication')) await admin.query(mend ?? '');
  expect((await examine()).said('publication')).toEqual([
    { check: 'publication', state: 'ok', says: 'tideway holds 3 tables' },
  ]);
});

test('a login without rights is told the grants', async () => {
  const url = Object.assign(new URL(server.url), { username: 'stranger', password: 'p4' }).href;
  const { said } = await examine({ DATABASE_URL: url });
  expect(said('role rights').map(({ mend }) => mend)).toEqual([
    'alter role stranger replication;',
    'grant tideway_daemon to stranger;',
  ]);
  expect(said('direct connection')[0]?.state).toBe('failed');
});

test('a mapping whose table fell out of the publication or whose runner was changed is told', async () => {
  await admin.query(`
    create table public.goods (id int primary key, name text);
    grant select, insert, update, delete on public.goods to tideway_daemon;
    select tideway.connect('goods', 'airtable', '{"base": "app1"}');
    select tideway.map('goods', 'goods', 'Goods', 'public.goods',
      '[{"local": "id", "remote": "Id", "type": "number"}, {"local": "name", "remote": "Name"}]');
    select tideway.activate('goods');
    alter publication tideway drop table public.goods;
    alter function tideway_run.tideway_daemon(text, integer[], text[], jsonb[]) security invoker`);
  const { said } = await examine();
  expect(said('publication').map(({ mend }) => mend)).toEqual(['alter publication tideway add table goods;']);
  expect(said('role rights').map(({ mend }) => mend)).toEqual([
    "select tideway_private.ensure_runner('tideway_daemon');",
  ]);
  for (const check of ['publication', 'role rights']) await admin.query(said(check)[0]?.mend ?? '');
  const mended = await examine();
  expect([...mended.said('publication'), ...mended.said('role rights')].map(({ state }) => state)).toEqual([
    'ok',
    'ok',
  ]);
});

test.each([
  ['supabase_admin', 'supabase --experimental postgres-config update --config wal_level=logical'],
  ['rdsadmin', 'rds.logical_replication = 1'],
  ['cloudsqladmin', 'cloudsql.logical_decoding=on'],
])('where there is a role %s the mend is in the words of that provider', async (role, words) => {
  await admin.query(`create role ${role}`);
  const { said } = await examine();
  await admin.query(`drop role ${role}`);
  expect(said('wal_level')[0]?.mend).toContain(words);
});

test('secrets that are at hand are fine, and never shown', async () => {
  await admin.query(`select tideway.connect('crm', 'close', '{}', 'env:TIDEWAY_TEST_ABSENT')`);
  const { findings, said } = await examine({ TIDEWAY_TEST_ABSENT: 'hunter2' });
  expect(said('secrets')).toEqual([{ check: 'secrets', state: 'ok', says: '2 of 2 can be had here' }]);
  expect(JSON.stringify(findings)).not.toContain('hunter2');
});

test('what is not read any more is told, and that polls go on without webhooks', async () => {
  await admin.query(`
    alter table tideway.mappings disable trigger user;
    update tideway.mappings set state = 'active' where name = 'goods';
    alter table tideway.mappings enable trigger user;
    insert into tideway_private.due_reads (mapping, kind, org_id, definition, due_at)
    select number, 'poll', org_id, '1 min', now() - interval '1 hour' from tideway.mappings where name = 'goods'`);
  const { said } = await examine();
  expect(said('reads')).toMatchObject([
    { state: 'warning', mend: 'tideway start', says: expect.stringContaining('goods') as string },
  ]);
  expect(said('webhooks')).toMatchObject([{ state: 'ok', says: expect.stringContaining('polls go on') as string }]);
  const reachable = await examine({ TIDEWAY_PUBLIC_URL: 'https://tideway.example.com' });
  expect(reachable.said('webhooks')).toMatchObject([{ says: 'apps ring at https://tideway.example.com' }]);
});
