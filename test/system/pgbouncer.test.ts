import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tideway } from '../support/command.ts';
import { useDatabase } from '../support/database.ts';
import { isInstalled } from '../support/debian-server.ts';
import { freePort } from '../support/free-port.ts';
import { waitFor } from '../support/wait-for.ts';

const installed = isInstalled({ pgbouncer: '/usr/sbin/pgbouncer' }, 'everything over a pooler');

describe.runIf(installed)('over pgbouncer in transaction mode', () => {
  const { url, name } = useDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'tideway-pooler-'));
  let pooled = '';
  let pooler: ChildProcess;

  beforeAll(async () => {
    const { hostname, port, username, password } = new URL(url);
    const own = await freePort();
    writeFileSync(join(folder, 'users'), `"${username}" "${password}"\n`);
    writeFileSync(
      join(folder, 'pgbouncer.ini'),
      `[databases]
${name} = host=${hostname} port=${port} dbname=${name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(folder, 'users')}
pool_mode = transaction
default_pool_size = 2
server_idle_timeout = 1
`,
    );
    // It refuses to run as root.
    const account: { uid?: number; gid?: number } =
      process.getuid?.() === 0
        ? { uid: Number(execFileSync('id', ['-u', 'nobody'])), gid: Number(execFileSync('id', ['-g', 'nobody'])) }
        : {};
    const { uid, gid } = account;
    if (uid !== undefined && gid !== undefined) {
      chmodSync(folder, 0o755);
      for (const file of ['users', 'pgbouncer.ini']) chownSync(join(folder, file), uid, gid);
    }
    pooler = spawn('/usr/sbin/pgbouncer', [join(folder, 'pgbouncer.ini')], { ...account, stdio: 'ignore' });
    pooled = Object.assign(new URL(url), { port: `${own}` }).href;
    await waitFor(() => ask('select 1'));
  });
  afterAll(async () => {
    pooler.kill('SIGTERM');
    await waitFor(() => pooler.exitCode !== null || pooler.signalCode !== null);
    rmSync(folder, { recursive: true, force: true });
  });

  async function ask(sql: string) {
    const client = new pg.Client({ connectionString: pooled });
    await client.connect();
    return client.query(sql).finally(() => client.end());
  }

  test('people define and look as ever', async () => {
    await ask('create table public.products (id int primary key, name text)');
    await ask(`select tideway.connect('shop', 'airtable', '{"base": "app1"}', 'env:SHOP')`);
    await ask(
      `select tideway.map('products', 'shop', 'Products', 'public.products', '[{"local": "id", "remote": "Sku", "type": "number"}, {"local": "name", "remote": "Name"}]')`,
    );
    await ask(`grant select, insert, update, delete on public.products to tideway_daemon`);
    expect((await ask('select name, state from tideway.mappings')).rows).toEqual([
      { name: 'products', state: 'draft' },
    ]);
    expect((await ask(`select * from tideway.explain_mapping('products')`)).rowCount).toBeGreaterThan(0);
  });

  test('doctor works, and says that the log needs a direct connection', async () => {
    const { out, err } = await tideway(['doctor', '--json'], { env: { DATABASE_URL: pooled } });
    expect(err).toBe('');
    const findings = JSON.parse(out) as { check: string; state: string; mend?: string }[];
    expect(findings.find(({ check }) => check === 'direct connection')).toMatchObject({
      state: 'failed',
      mend: expect.stringContaining('TIDEWAY_REPLICATION_URL') as string,
    });
    const mended = await tideway(['doctor', '--json'], { env: { DATABASE_URL: pooled, TIDEWAY_REPLICATION_URL: url } });
    expect(JSON.parse(mended.out)).toContainEqual(expect.objectContaining({ check: 'direct connection', state: 'ok' }));
  });

  test.each(['start', 'migrate'])('%s refuses with the mend', async (command) => {
    const { code, err } = await tideway([command], { env: { DATABASE_URL: pooled, TIDEWAY_HTTP_PORT: '0' } });
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(/TWC05: A pooler stands before the database[\s\S]*direct address/) as string,
    });
  });
});
