import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, inject, onTestFailed, test } from 'vitest';
import { currentMigrations } from '../../src/cli/migrations.ts';
import { startAirtableApp, type AirtableApp } from '../apps/airtable/airtable-app.ts';
import { tideway } from '../support/command.ts';
import { killDaemons, startDaemon } from '../support/daemon.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { waitFor } from '../support/wait-for.ts';

const PAGE = readFileSync('docs/getting-started.md', 'utf8');
const BASE = 'appAbCdEfGhIjKlMn';
const TABLE = {
  id: 'tblVehicles000001',
  name: 'Vehicles',
  fields: [
    { id: 'fldVin0000000001', name: 'VIN', type: 'singleLineText' },
    { id: 'fldMake000000001', name: 'Make', type: 'singleLineText' },
    { id: 'fldPrice00000001', name: 'Price', type: 'number' },
    { id: 'fldSold000000001', name: 'Sold', type: 'checkbox' },
  ],
} as const;
const [VIN, MAKE, PRICE, SOLD] = TABLE.fields.map(({ id }) => id) as [string, string, string, string];

const name = `tideway_start_${randomUUID().slice(0, 8)}`;
const login = `${name}_login`;
const admin = Object.assign(new URL(inject('serverUrl')), { pathname: name }).href;
const slot = `${name}_slot`;
let app: AirtableApp;
let server: pg.Client;
let psql: pg.Pool;

beforeAll(async () => {
  const [, token = ''] = /export AIRTABLE_TOKEN=(\S+)/.exec(PAGE) ?? [];
  app = await startAirtableApp({ token, baseId: BASE, tables: [TABLE] });
  server = new pg.Client({ connectionString: inject('serverUrl') });
  await server.connect();
  await server.query(`create database ${name} template template0`);
  psql = new pg.Pool({ connectionString: admin });
  psql.on('error', () => {});
});
afterEach(async () => {
  await killDaemons();
  await dropSlot(psql, slot);
});
afterAll(async () => {
  await psql.end();
  await app.stop();
  await server.query(`drop database if exists ${name} with (force)`);
  await server.query(`drop role if exists ${login}`);
  await server.end();
});

/** The commands and statements of the page in their order, as a reader would enter them. */
const steps = [...PAGE.matchAll(/^```(bash|sql)\n([^]*?)^```$/gm)].flatMap(([, language = '', text = '']) =>
  (language === 'bash' ? text.split('\n') : text.split(/;\n/))
    .filter((step) => step.trim() !== '')
    .map((step) => ({ language, step: step.trim() })),
);

/** What the reader has, in place of what the page shows. */
const own = (text: string): string =>
  text
    .replaceAll('tideway_login', login)
    .replace('postgres://admin:password@localhost:5432/app', admin)
    .replace(
      /^postgres:\/\/(\w+):change-me@.*/,
      (_, role: string) => Object.assign(new URL(admin), { username: role, password: 'change-me' }).href,
    )
    .replace('"base_id"', `"base_url": "${app.url}", "base_id"`);

test('a reader who does what the page says has a table and a base in step', async () => {
  const env: Record<string, string> = { TIDEWAY_SLOT: slot, TIDEWAY_EGRESS_ALLOW: '127.0.0.1' };
  const scripts = (JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }).scripts;
  const seen: string[] = [];

  const enter = async (command: string): Promise<void> => {
    const [, variable, value] = /^export (\w+)=(.*)$/.exec(command) ?? [];
    if (variable !== undefined) {
      env[variable] = own(value ?? '');
    } else if (command === 'npx tideway start') {
      const daemon = await startDaemon(env['DATABASE_URL'] ?? '', env);
      onTestFailed(() => {
        console.error(daemon.log());
      });
      app.add(TABLE.id, { [VIN]: 'a', [MAKE]: 'Opel', [PRICE]: 1200.5 });
    } else if (command.startsWith('npx tideway ')) {
      const words = command.split(' ').slice(2);
      // A release has no migration that is still being written.
      if (words[0] === 'migrate' && currentMigrations().length > 0) words.push('--current');
      const { code, out, err } = await tideway(words, { env });
      expect({ command, code, out: code === 0 ? '' : out, err }).toEqual({ command, code: 0, out: '', err: '' });
      seen.push(out);
    } else {
      // A checkout with its packages is where this test runs.
      expect(command).toMatch(/^(git clone|cd|npm ci|npm run)\b/);
      const script = /^npm run (\S+)/.exec(command)?.[1];
      if (script !== undefined) expect(scripts).toHaveProperty(script);
    }
  };

  /** A statement, and what a reader waits for before the next. */
  const say = async (statement: string): Promise<void> => {
    const { rows } = await psql.query<Record<string, unknown>>(own(statement));
    if (statement.includes('tideway.discover')) {
      await waitFor(async () => expect((await psql.query('select from tideway.remote_tables')).rowCount).toBe(1), {
        within: 30_000,
      });
    }
    if (statement.includes('as columns')) {
      expect(rows).toEqual([{ name: TABLE.id, title: 'Vehicles', columns: 'VIN, Make, Price, Sold' }]);
    }
    if (statement.startsWith('select local, remote')) {
      expect(rows.map(({ local, remote }) => [local, remote]).sort()).toEqual([
        ['make', MAKE],
        ['price', PRICE],
        ['sold', SOLD],
        ['vin', VIN],
      ]);
    }
    if (statement.includes('validate_mapping'))
      expect(rows.filter(({ severity }) => severity === 'error')).toHaveLength(4);
    if (statement.includes('tideway.activate')) await here([['a', 'Opel', '1200.50', false]]);
    if (statement.startsWith('insert into vehicles')) {
      await waitFor(
        () => {
          const shown = app.rows(TABLE.id).map(({ fields }) => [fields[VIN], fields[PRICE]]);
          expect(shown).toContainEqual(['WVWZZZ1JZXW000001', 9000]);
        },
        { within: 30_000 },
      );
      app.edit(TABLE.id, app.rows(TABLE.id).find(({ fields }) => fields[VIN] === 'a')?.id ?? '', { [SOLD]: true });
    }
    if (statement.includes('sync_now')) {
      await here([
        ['WVWZZZ1JZXW000001', 'Volkswagen', '9000.00', false],
        ['a', 'Opel', '1200.50', true],
      ]);
    }
    if (statement.includes('mapping_status')) {
      expect(rows).toMatchObject([{ mapping: 'vehicles', state: 'active', failed: '0', conflicts: '0' }]);
    }
    if (statement.includes('trace_row')) expect(rows.length).toBeGreaterThan(0);
  };

  for (const { language, step } of steps) await (language === 'bash' ? enter(step) : say(step));
  expect(seen.join('\n')).toContain('vehicles');
});

const here = (wanted: readonly (readonly unknown[])[]) =>
  waitFor(
    async () => {
      const { rows } = await psql.query<unknown[]>({
        text: 'select vin, make, price, sold from vehicles order by vin collate "C"',
        rowMode: 'array',
      });
      expect(rows).toEqual(wanted);
    },
    { within: 30_000 },
  );
