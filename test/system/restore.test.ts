import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/runtime/embedded-postgres.ts';
import { isInstalled, startDebianServer } from '../support/debian-server.ts';

const bin = '/usr/lib/postgresql/15/bin';
const installed = isInstalled({ 'postgresql-15': `${bin}/pg_dump` }, 'the restore of a backup on another server');

describe.runIf(installed)('a backup that is restored on another server', () => {
  const root = mkdtempSync(join(tmpdir(), 'tideway-restore-'));
  const ends: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
    rmSync(root, { recursive: true, force: true });
  });

  async function session(url: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    ends.push(() => client.end());
    return client;
  }
  const tool = (name: string, ...args: string[]) => execFileSync(join(bin, name), args, { stdio: 'pipe' });

  test('holds all of Tideway, writes to no app, and goes on once it is told to', async () => {
    const original = await startDebianServer();
    ends.push(() => original.stop());
    const before = await session(original.url);
    await before.query(`
      create role restore_admin login password 'x' in role tideway_owner;
      grant select on all tables in schema graphile_migrate to restore_admin;
      grant usage on schema graphile_migrate to restore_admin;
      create table public.products (id integer primary key, gone text, name text);
      alter table public.products drop column gone;
      alter table public.products owner to restore_admin;
      select tideway.connect('shop', 'shopify', '{}');
      select tideway.map('products', 'shop', 'Products', 'products', '[{"local": "id", "remote": "Id"}, {"local": "name", "remote": "Name"}]');
      select tideway.activate('products');
      select tideway_private.start_following('tideway', tideway_private.server_identifier(), 1, 'me');
      insert into tideway_private.outbox (mapping, local_key, lane, op, org_id, xid) select number, '7', 3, 2, org_id, '99' from tideway.mappings`);
    expect((await before.query(`select tideway_private.note_server() as other`)).rows).toEqual([{ other: false }]);

    tool('pg_dumpall', `--dbname=${original.url}`, '--roles-only', '--no-role-passwords', `--file=${root}/roles.sql`);
    const admin = Object.assign(new URL(original.url), { username: 'restore_admin', password: 'x' }).href;
    for (const [dumping, flags] of [
      [original.url, []],
      [admin, ['--enable-row-security']],
    ] as const) {
      const restored = await startEmbeddedPostgres({
        directory: join(root, String(ends.length)),
        binaries: bin,
        settings: { fsync: 'off' },
      });
      ends.push(() => restored.stop());
      tool('pg_dump', `--dbname=${dumping}`, ...flags, '--format=custom', `--file=${root}/app.dump`);
      tool('psql', '--quiet', `--dbname=${restored.url}`, `--file=${root}/roles.sql`);
      const url = Object.assign(new URL(restored.url), { pathname: 'app' }).href;
      tool('psql', '--quiet', `--dbname=${restored.url}`, '--command=create database app');
      tool('pg_restore', `--dbname=${url}`, '--exit-on-error', `${root}/app.dump`);

      const after = await session(url);
      const notes = async () => (await after.query(`select tideway_private.note_server() as other`)).rows as unknown[];
      expect([await notes(), await notes()]).toEqual([[{ other: true }], [{ other: false }]]);
      expect((await after.query(`select xid from tideway_private.outbox`)).rows).toEqual([{ xid: null }]);
      const { rows } = await after.query(`select name, state, paused_reason from tideway.connections`);
      expect(rows).toEqual([
        { name: 'shop', state: 'paused', paused_reason: expect.stringContaining('SYSTEM_ID_CHANGED') as string },
      ]);
      const trouble = `select tideway_private.table_trouble(m) ->> 'code' as code from tideway.mappings m`;
      expect((await after.query(trouble)).rows).toEqual([{ code: 'SHAPE_CHANGED' }]);
      await after.query(
        `update tideway.mappings set state = 'paused', paused_at = now(), paused_code = 'SHAPE_CHANGED', paused_reason = 'as the daemon does'`,
      );
      await after.query(`select tideway.resume(name) from tideway.mappings where paused_code = 'SHAPE_CHANGED'`);
      await after.query(`select tideway.resume_connection('shop')`);
      expect((await after.query(trouble)).rows).toEqual([{ code: null }]);
      const followed = `select other_system from tideway_private.start_following('tideway', tideway_private.server_identifier(), 1, 'me')`;
      expect((await after.query(followed)).rows).toEqual([{ other_system: true }]);
      expect((await after.query(`select state from tideway.connections`)).rows).toEqual([{ state: 'active' }]);
    }
  });
});
