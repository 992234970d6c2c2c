import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeEach, expect, onTestFailed, test } from 'vitest';
import { startSheetsApp, type SheetsApp } from '../apps/google-sheets/sheets-app.ts';
import { useDatabase } from '../support/database.ts';
import { killDaemons, startDaemon } from '../support/daemon.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { waitFor } from '../support/wait-for.ts';

const EMAIL = 'sync@project.iam.gserviceaccount.com';
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

const { pool, url, name } = useDatabase();
const slot = `${name}_slot`;
const sealKey = `k1:${randomBytes(32).toString('base64')}`;
let app: SheetsApp;

beforeEach(async () => {
  app = await startSheetsApp({
    service: { client_email: EMAIL, public_key: publicKey },
    documents: [
      {
        id: 'stock-document',
        title: 'Stock',
        timeZone: 'Europe/Berlin',
        tabs: [{ sheetId: 0, title: 'List', rows: [['SKU', 'Name', 'Count', 'Loud', 'Since']] }],
      },
    ],
    readsPerMinute: 10_000,
    writesPerMinute: 10_000,
  });
});
afterEach(async () => {
  await killDaemons();
  await app.stop();
  await pool.query(`drop table if exists stock; delete from tideway_private.outbox`);
});
afterAll(() => dropSlot(pool, slot));

const daemon = async (env: Record<string, string> = {}) => {
  const started = await startDaemon(url, {
    TIDEWAY_SLOT: slot,
    TIDEWAY_SEAL_KEY: sealKey,
    SHEETS_KEY: JSON.stringify({ client_email: EMAIL, private_key: privateKey }),
    ...env,
  });
  onTestFailed(() => {
    console.error(started.log());
  });
  return started;
};

const connect = async (direction: 'push' | 'both'): Promise<void> => {
  await pool.query(`select tideway.connect('sheet', 'google_sheets', $1, 'env:SHEETS_KEY')`, [
    {
      spreadsheet: 'stock-document',
      tabs: { 0: { key: 'SKU', types: { Since: 'date' } } },
      base_url: app.url,
      requests_per_minute: 6000,
      request_life: 300,
    },
  ]);
  await pool.query(
    `select tideway.map('stock', 'sheet', '0', 'stock', '[
      {"local": "sku", "remote": "SKU"}, {"local": "name", "remote": "Name"},
      {"local": "count", "remote": "Count", "type": "number"}, {"local": "since", "remote": "Since", "type": "date"}
    ]', direction => $1, options => $2)`,
    [direction, { retry_base: '100 ms', retry_cap: '1 s', ...(direction === 'both' ? { schedule: '1 s' } : {}) }],
  );
  await pool.query(`select tideway.activate('stock')`);
};

const shows = (wanted: readonly (readonly string[])[]) =>
  waitFor(
    () => {
      const rows = app
        .seen(0)
        .slice(1)
        .map((cells) => [0, 1, 2, 4].map((at) => cells[at] ?? ''));
      expect(rows.sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1))).toEqual(wanted);
    },
    { within: 30_000 },
  );

const holds = (wanted: readonly unknown[]) =>
  waitFor(
    async () => {
      const { rows } = await pool.query({
        text: `select sku, name, count, since::text from stock order by sku collate "C"`,
        rowMode: 'array',
      });
      expect(rows).toEqual(wanted);
    },
    { within: 30_000 },
  );

const settled = () =>
  waitFor(
    async () => {
      const { rows } = await pool.query(`select (select count(*) from tideway_private.links where sent is not null)
        + (select count(*) from tideway_private.outbox) + (select count(*) from tideway_private.in_flight) as open`);
      expect(rows).toEqual([{ open: '0' }]);
    },
    { within: 30_000 },
  );

const forget = async (): Promise<void> => {
  await pool.query(`select tideway.unmap('stock', forget => true)`);
  await waitFor(() => pool.query(`select tideway.disconnect('sheet')`), { within: 30_000 });
};

test('rows written in SQL appear in the sheet, once each, whatever kills the daemon', async () => {
  await pool.query(`create table stock (sku text primary key, name text, count integer, since date)`);
  await connect('push');
  const first = await daemon();
  await pool.query(
    `insert into stock values ('a', 'Chair', 1, '2026-01-02'), ('b', '=1+1', 2, null), ('c', 'Bed', 3, null)`,
  );
  await shows([
    ['a', 'Chair', '1', '46024'],
    ['b', '=1+1', '2', ''],
    ['c', 'Bed', '3', ''],
  ]);
  await settled();
  app.person(0).sort(1, true);
  await pool.query(`update stock set name = 'Stool' where sku = 'a'; delete from stock where sku = 'b'`);
  await shows([
    ['a', 'Stool', '1', '46024'],
    ['c', 'Bed', '3', ''],
  ]);
  await settled();
  await first.stop();

  await pool.query(`insert into stock values ('d', 'Desk', 4, null)`);
  const doomed = await daemon({ TIDEWAY_FAILPOINT: 'push.answered' });
  expect(await doomed.ended).toBe('SIGKILL');
  // The row was appended and the answer forgotten: its key finds it again once the request can no longer be under way.
  await pool.query(`update tideway_private.links set sent_until = clock_timestamp() where sent is not null`);
  await daemon();
  await waitFor(
    async () => {
      await pool.query(`update tideway_private.links set sent_until = clock_timestamp() where sent is not null and sent_until > clock_timestamp();
                        update tideway_private.waiting set due_at = clock_timestamp() where due_at > clock_timestamp()`);
      const { rows } = await pool.query(`select from tideway_private.links where local_key = 'd' and remote_id = 'd'`);
      expect(rows).toHaveLength(1);
    },
    { within: 30_000 },
  );
  await shows([
    ['a', 'Stool', '1', '46024'],
    ['c', 'Bed', '3', ''],
    ['d', 'Desk', '4', ''],
  ]);
  expect(app.journal().filter(({ op }) => op === 'append')).toHaveLength(4);
  await forget();
});

test('what a new row loses because it came to stand where a value was written is told, and stays told', async () => {
  await pool.query(`create table stock (sku text primary key, name text, count integer, since date)`);
  app.person(0).set(2, 1, 'a');
  app.person(0).set(2, 2, 'Chair');
  await connect('both');
  await daemon();
  await holds([['a', 'Chair', null, null]]);
  await settled();
  app.before('values:batchUpdate', () => {
    app.person(0).insertRow(2, ['new', 'Mirror', 8]);
  });
  await pool.query(`update stock set name = 'Stool' where sku = 'a'`);
  await holds([
    ['a', 'Stool', null, null],
    ['new', null, 8, null],
  ]);
  await pool.query(`update stock set count = 9 where sku in ('a', 'new')`);
  await shows([
    ['a', 'Stool', '9', ''],
    ['new', '', '9', ''],
  ]);
  await settled();
  const { rows } = await pool.query(`select remote_id, "column", code, severity from tideway.failed_rows`);
  expect(rows).toEqual([{ remote_id: 'new', column: 'name', code: 'OVERWRITTEN', severity: 'warning' }]);
  await forget();
});

test('what people do in the sheet arrives in the table, and a doubled key changes nothing', async () => {
  await pool.query(`create table stock (sku text primary key, name text, count integer, since date);
                    insert into stock values ('b', 'Lamp', 2, null)`);
  app.person(0).set(2, 1, 'a');
  app.person(0).set(2, 2, 'Chair');
  app.person(0).set(2, 5, 46_024);
  await connect('both');
  await daemon();
  await holds([
    ['a', 'Chair', null, '2026-01-02'],
    ['b', 'Lamp', 2, null],
  ]);
  await shows([
    ['a', 'Chair', '', '46024'],
    ['b', 'Lamp', '2', ''],
  ]);
  await settled();

  const person = app.person(0);
  person.sort(1, true);
  person.set(person.find(1, 'a'), 3, 7);
  person.insertRow(2, ['c', 'Bed', 3]);
  await holds([
    ['a', 'Chair', 7, '2026-01-02'],
    ['b', 'Lamp', 2, null],
    ['c', 'Bed', 3, null],
  ]);

  person.insertRow(3, ['b', 'Another lamp', 99]);
  person.insertRow(4, [null, 'Nobody', 1]);
  person.set(person.find(1, 'c'), 2, 'Bunk');
  // The change of "c" proves that the sheet was read again; of "b" nothing was believed.
  await holds([
    ['a', 'Chair', 7, '2026-01-02'],
    ['b', 'Lamp', 2, null],
    ['c', 'Bunk', 3, null],
  ]);
  await waitFor(async () => {
    const { rows } = await pool.query<{ message: string }>(
      `select message from tideway.sync_errors where resolved_at is null`,
    );
    const said = rows.map(({ message }) => message).join('\n');
    expect(said).toMatch(/The key "b" stands in rows 3, \d of the tab "List"/);
    expect(said).toContain('Row 4 of the tab "List" has no key in "SKU"');
  });
});
