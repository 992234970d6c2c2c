import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { aMapping } from '../../support/a-mapping.ts';

const run = promisify(execFile);
const copy = mkdtempSync(join(tmpdir(), 'tideway-upgrade-'));
const committed = join(copy, 'db/migrations/committed');
const current = join(copy, 'db/migrations/current');
const later = join(copy, 'later');
const server = new pg.Client({ connectionString: inject('serverUrl') });
const names = ['upgraded', 'work', 'shadow'].map((name) => `tideway_${name}_${process.pid}`);
const [url = '', work = '', shadow = ''] = names.map(
  (name) => Object.assign(new URL(inject('serverUrl')), { pathname: name }).href,
);

async function tool(command: string, database: string): Promise<void> {
  await run(process.execPath, [resolve('node_modules/graphile-migrate/dist/cli.js'), command], {
    cwd: copy,
    env: {
      ...process.env,
      DATABASE_URL: database,
      SHADOW_DATABASE_URL: shadow,
      ROOT_DATABASE_URL: inject('serverUrl'),
    },
  });
}

function migrationBeingWritten(): string[] {
  return readdirSync(current).filter((name) => name.endsWith('.sql'));
}

function isBlank(name: string): boolean {
  return readFileSync(join(current, name), 'utf8').replaceAll(/--.*$/gm, '').trim() === '';
}

/** A copy of the package with what is being written committed, and one more migration after it. */
beforeAll(async () => {
  await server.connect();
  for (const name of names) await server.query(`create database ${name}`);
  for (const part of ['db', 'dist', 'package.json', '.gmrc']) cpSync(part, join(copy, part), { recursive: true });
  symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
  mkdirSync(committed, { recursive: true });
  mkdirSync(current, { recursive: true });
  if (migrationBeingWritten().some((name) => !isBlank(name))) await tool('commit', work);
  for (const name of migrationBeingWritten()) rmSync(join(current, name));
  writeFileSync(
    join(current, '1-current.sql'),
    `alter table tideway.connections drop column if exists of_a_later_release;
     alter table tideway.connections add column of_a_later_release integer not null default 7;\n`,
  );
  await tool('commit', work);
  for (const name of migrationBeingWritten()) rmSync(join(current, name));
});

afterAll(async () => {
  for (const name of names) await server.query(`drop database if exists ${name} with (force)`);
  await server.end();
  rmSync(copy, { recursive: true, force: true });
});

async function rowsOf(database: pg.Client): Promise<Map<string, Record<string, unknown>[]>> {
  const { rows } = await database.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class
      where relnamespace in ('tideway'::regnamespace, 'tideway_private'::regnamespace) and relkind in ('r', 'p') and not relispartition
        and oid <> 'tideway_private.release'::regclass
      order by 1`,
  );
  const found = new Map<string, Record<string, unknown>[]>();
  for (const { name } of rows) {
    const kept = await database.query<{ row: Record<string, unknown> }>(
      `select to_jsonb(t) as row from ${name} as t order by to_jsonb(t)::text`,
    );
    if (kept.rows.length > 0)
      found.set(
        name,
        kept.rows.map(({ row }) => row),
      );
  }
  return found;
}

test('from the first migration with data to the newest, everything is kept', async () => {
  mkdirSync(later);
  const [, ...rest] = readdirSync(committed).sort();
  expect(rest.length).toBeGreaterThan(0);
  for (const name of rest) renameSync(join(committed, name), join(later, name));
  await tool('migrate', url);

  const database = new pg.Client({ connectionString: url });
  await database.connect();
  try {
    const { number } = await aMapping(database, { org: 'acme' });
    await database.query(
      `insert into tideway_private.outbox (mapping, local_key, lane, op, org_id) values ($1, '7', 3, 2, 'acme')`,
      [number],
    );
    await database.query(
      `insert into tideway.sync_activity_log (org_id, action, status, message) values ('acme', 'push', 'failed', 'x')`,
    );
    const before = await rowsOf(database);
    expect([...before.keys()]).toEqual(
      expect.arrayContaining(['tideway.mappings', 'tideway.mapping_columns', 'tideway_private.outbox']),
    );

    for (const name of rest) renameSync(join(later, name), join(committed, name));
    const { stdout } = await run(process.execPath, [join(copy, 'dist/src/cli/main.js'), 'migrate'], {
      env: { PATH: process.env.PATH, DATABASE_URL: url },
    });
    for (const name of rest) expect(stdout).toContain(`Migrated ${name}.`);

    const after = await rowsOf(database);
    for (const [table, rows] of before) {
      expect(after.get(table)).toEqual(
        expect.arrayContaining(rows.map((row) => expect.objectContaining(row) as object)),
      );
    }
    expect(after.get('tideway.connections')).toEqual([expect.objectContaining({ of_a_later_release: 7 })]);
  } finally {
    await database.end();
  }
});
