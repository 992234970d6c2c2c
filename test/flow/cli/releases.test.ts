import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startPlainApp, type PlainApp } from '../../apps/plain/plain-app.ts';
import { tideway } from '../../support/command.ts';
import { killDaemons, startDaemon } from '../../support/daemon.ts';
import { useDatabase } from '../../support/database.ts';
import { dropSlot } from '../../support/drop-slot.ts';
import { waitFor } from '../../support/wait-for.ts';

const run = promisify(execFile);
const { url, pool, name } = useDatabase();
const env = { TIDEWAY_SLOT: name };
const copy = mkdtempSync(join(tmpdir(), 'tideway-release-'));
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const [major = 0, minor = 0] = manifest.version.split('.').map(Number);
let app: PlainApp;

/** The same package as a later release: a new column, a new function, and the functions of this one. */
async function migrateTo(version: string): Promise<string> {
  writeFileSync(join(copy, 'package.json'), JSON.stringify({ ...manifest, version }));
  const { stdout } = await run(process.execPath, [join(copy, 'dist/src/cli/main.js'), 'migrate'], {
    env: { PATH: process.env['PATH'], DATABASE_URL: url },
  });
  return stdout;
}

beforeAll(async () => {
  for (const part of ['db', 'dist', '.gmrc']) cpSync(part, join(copy, part), { recursive: true });
  symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
  writeFileSync(
    join(copy, 'db/migrations/current/990-later-release.sql'),
    `set local role tideway_owner;
alter table tideway.mappings add column if not exists of_a_later_release integer not null default 7;
reset role;
`,
  );
  writeFileSync(
    join(copy, 'db/source/look/of_a_later_release.function.sql'),
    `create or replace function tideway.of_a_later_release()
returns integer
language sql
immutable
set search_path = ''
as 'select 7';
comment on function tideway.of_a_later_release() is 'What this release does not know.';
`,
  );
  app = await startPlainApp({
    token: 'token',
    tables: [
      {
        id: 'items',
        columns: [
          { id: 'ref', type: 'number' },
          { id: 'name', type: 'text' },
        ],
      },
    ],
  });
  await pool.query('create table public.items (id integer primary key, name text)');
});
afterEach(killDaemons);
afterAll(async () => {
  await dropSlot(pool, name);
  await app.stop();
  rmSync(copy, { recursive: true, force: true });
});

test('the daemon works on, and says so, when its database is moved on by one minor release under it', async () => {
  const later = `${String(major)}.${String(minor + 1)}.0`;
  const daemon = await startDaemon(url, { ...env, APP_TOKEN: 'token' });
  expect(await migrateTo(later)).toContain(`The database moved from Tideway ${manifest.version} to ${later}.`);
  await waitFor(() =>
    expect(daemon.log()).toContain(
      `The database holds Tideway ${later}; this is Tideway ${manifest.version}. One release behind works`,
    ),
  );
  await pool.query(
    `select tideway.connect('app', 'plain', jsonb_build_object('base_url', $1::text), 'env:APP_TOKEN')`,
    [app.url],
  );
  await pool.query(
    `select tideway.map('items', 'app', 'items', 'public.items',
       '[{"local": "id", "remote": "ref", "type": "number"}, {"local": "name", "remote": "name"}]')`,
  );
  await pool.query(`select tideway.activate('items')`);
  await pool.query(`insert into public.items values (1, 'one')`);
  await waitFor(() => expect(app.records('items').map(({ values }) => values['name'])).toEqual(['one']), {
    within: 30_000,
  });
  await daemon.stop();
  const { out } = await tideway(['doctor'], { env: { ...env, DATABASE_URL: url, APP_TOKEN: 'token' } });
  expect(out).toMatch(/^warning +schema version: The database holds Tideway /m);
  expect(out).toMatch(/^ok +publication: /m);
});

test('two minor releases behind it stops cleanly, refuses to start, names the mend, and changes nothing', async () => {
  const later = `${String(major)}.${String(minor + 2)}.0`;
  const daemon = await startDaemon(url, { ...env, APP_TOKEN: 'token' });
  expect(daemon.log()).toContain('One release behind works');
  await waitFor(async () => expect((await pool.query('select from tideway_private.leases')).rowCount).toBe(1));
  await migrateTo(later);
  expect(await daemon.ended).toBe('1');
  expect(daemon.log()).toMatch(new RegExp(`TWVER: The database holds Tideway ${later}`));
  expect((await pool.query('select from tideway_private.leases')).rowCount).toBe(0);

  const before = await pool.query('select * from tideway.systems order by system');
  const { code, err } = await tideway(['start'], { env: { ...env, DATABASE_URL: url, TIDEWAY_HTTP_PORT: '0' } });
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringMatching(
      new RegExp(
        `TWVER: The database holds Tideway ${later}; .*more than one minor release behind[^]*Install Tideway ${later}`,
      ),
    ) as string,
  });
  expect((await pool.query('select * from tideway.systems order by system')).rows).toEqual(before.rows);
});
