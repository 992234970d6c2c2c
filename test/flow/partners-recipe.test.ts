import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { QueryResult } from 'pg';
import { afterAll, afterEach, beforeEach, expect, onTestFailed, test } from 'vitest';
import { startCloseApp, type CloseApp } from '../apps/close/close-app.ts';
import { startSheetsApp, type SheetsApp } from '../apps/google-sheets/sheets-app.ts';
import { killDaemons, startDaemon } from '../support/daemon.ts';
import { useDatabase } from '../support/database.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { fencedBlocks } from '../support/fenced-blocks.ts';
import { waitFor } from '../support/wait-for.ts';

const EMAIL = 'sync@project.iam.gserviceaccount.com';
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const CLOSE_KEY = 'api_recipe.secret-7788';
const LAST = 100;

const { pool, url, name } = useDatabase();
const slot = `${name}_slot`;
let sheets: SheetsApp;
let close: CloseApp;

/** The statements under a heading of the page, block by block. */
function blocks(heading: string): string[] {
  const page = readFileSync('docs/recipes/partners-from-sheets-and-close.md', 'utf8');
  const part = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return fencedBlocks(part);
}

async function run<Row extends object>(sql: string | undefined): Promise<Row[]> {
  const result = (await pool.query(sql ?? '')) as unknown as QueryResult<Row> | QueryResult<Row>[];
  return (Array.isArray(result) ? result : [result]).at(-1)?.rows ?? [];
}

const OVER = ['completed', 'completed_with_errors', 'failed'];

/** Runs a block that asks for runs, and waits until all of them have ended. */
async function synced(sql: string | undefined): Promise<string[]> {
  const ids = (await run<{ sync_now: string }>(sql)).map((row) => row.sync_now);
  expect(ids.length).toBeGreaterThan(0);
  return waitFor(
    async () => {
      const { rows } = await pool.query<{ status: string }>(
        `select r.status from unnest($1::uuid[]) with ordinality x (id, n) join tideway.sync_runs r using (id) order by n`,
        [ids],
      );
      const found = rows.map(({ status }) => status);
      for (const status of found) expect(OVER).toContain(status);
      return found;
    },
    { within: 60_000 },
  );
}

beforeEach(async () => {
  const partners = Array.from({ length: LAST - 1 }, (_, at) => {
    const row = at + 2;
    return [
      `p${String(row)}`,
      row === 89 ? null : `Brand ${String(row)}`,
      row === 47 ? 'jane(at)example.com' : `p${String(row)}@example.com`,
      row % 2 === 0 ? 'gold' : 'silver',
    ];
  });
  sheets = await startSheetsApp({
    service: { client_email: EMAIL, public_key: publicKey },
    documents: [
      {
        id: '1AgencyMasterDocument',
        title: 'Agency',
        timeZone: 'Europe/Berlin',
        tabs: [
          { sheetId: 0, title: 'Master Sheet', rows: [['Partner', 'Brand Name', 'Email', 'Tier'], ...partners] },
          {
            sheetId: 7,
            title: 'Contracts',
            rows: [
              ['Partner', 'Fee', 'Tier', 'Brand'],
              ['p2', 12.5, 'platinum', 'Brand 2'],
              ['p3', 8, 'silver', 'Brand 3'],
            ],
          },
          {
            sheetId: 9,
            title: 'Staff',
            rows: [
              ['No', 'Name', 'Email'],
              ['s1', 'Ada', ' ada@example.com '],
              ['s2', 'Bob', null],
            ],
          },
        ],
      },
    ],
    readsPerMinute: 10_000,
    writesPerMinute: 10_000,
  });
  close = await startCloseApp({
    key: CLOSE_KEY,
    fields: {
      lead: [
        { id: 'cf_partner', name: 'Partner', type: 'text' },
        { id: 'cf_size', name: 'Size', type: 'number' },
      ],
      contact: [{ id: 'cf_staff', name: 'Staff no', type: 'text' }],
    },
  });
});
afterEach(async () => {
  await killDaemons();
  await Promise.all([sheets.stop(), close.stop()]);
});
afterAll(() => dropSlot(pool, slot));

test('partners and staff come from a master sheet and from Close as the recipe says', async () => {
  const lead = close.store.create(
    'lead',
    { name: 'Brand Two Ltd', description: 'old', 'custom.cf_partner': 'p2', 'custom.cf_size': 40 },
    'person',
  ).id;
  close.store.create('lead', { name: 'Only in Close', 'custom.cf_partner': 'x1', 'custom.cf_size': 3 }, 'person');
  close.store.create('contact', { lead_id: lead, name: 'Robert', 'custom.cf_staff': 's2' }, 'person');
  close.store.create('contact', { lead_id: lead, name: 'Cleo', 'custom.cf_staff': 's3' }, 'person');

  const daemon = await startDaemon(url, {
    TIDEWAY_SLOT: slot,
    TIDEWAY_SEAL_KEY: `k1:${randomBytes(32).toString('base64')}`,
    SHEETS_KEY: JSON.stringify({ client_email: EMAIL, private_key: privateKey }),
    CLOSE_KEY,
  });
  onTestFailed(() => {
    console.error(daemon.log());
  });

  for (const sql of blocks('Tables')) await run(sql);
  const [connect = ''] = blocks('Sources');
  await run(
    connect
      .replace(/"spreadsheet": /, `"base_url": "${sheets.url}", "requests_per_minute": 6000, $&`)
      .replace(/"requests_per_second": 10/, `"base_url": "${close.url}", "requests_per_second": 100, "index_lag": 0`),
  );
  await waitFor(
    async () => {
      const { rows } = await pool.query(`select title from tideway.remote_tables where name in ('0', 'leads')`);
      expect(rows).toHaveLength(2);
    },
    { within: 30_000 },
  );
  for (const sql of blocks('Mappings')) await run(sql);
  await waitFor(async () => expect(await run(`select from tideway.mappings where state = 'active'`)).toHaveLength(5), {
    within: 30_000,
  });

  const [dryRun, dryResult] = blocks('Dry run');
  expect(await synced(dryRun)).toEqual(['completed']);
  expect(await run(dryResult)).toEqual([
    { status: 'completed', rows_processed: '10', rows_created: '10', changes: 10 },
  ]);
  expect(await run('select from partners')).toEqual([]);

  expect(await synced(blocks('One tab')[0])).toEqual(['completed_with_errors']);
  const wrong = blocks('What was wrong with which row')[0];
  expect(await run(wrong)).toEqual([
    { row: '47', column: 'email', severity: 'warning', message: 'Invalid email format' },
    { row: '89', column: 'brand_name', severity: 'error', message: `Missing required field 'brand_name'` },
  ]);
  expect(await run('select id, email from partners where email is null')).toEqual([{ id: 'p47', email: null }]);
  expect(await run('select from partners')).toHaveLength(LAST - 2);
  expect(await run(`select from partners where id = 'p89'`)).toEqual([]);

  const [ofRun] = blocks('Runs').slice(1);
  expect(await run(ofRun)).toMatchObject([
    { row: '47', column: 'email', severity: 'warning', error: 'Invalid email format' },
    { row: '89', column: 'brand_name', severity: 'error', error: `Missing required field 'brand_name'` },
  ]);

  const person = sheets.person(0);
  person.set(person.find(1, 'p47'), 3, 'jane@example.com');
  person.set(person.find(1, 'p89'), 2, 'Brand 89');
  const [agency, crm] = blocks('A source with all its tabs');
  expect(await synced(agency)).toEqual(['completed', 'completed', 'completed']);
  expect(await run(wrong)).toEqual([]);
  expect(await synced(crm)).toEqual(['completed', 'completed']);
  expect(await run(`select * from partners where id in ('p2', 'p47', 'p89', 'x1') order by id`)).toEqual([
    { id: 'p2', brand_name: 'Brand 2', email: 'p2@example.com', tier: 'gold', fee: '12.5', size: '40', notes: 'old' },
    {
      id: 'p47',
      brand_name: 'Brand 47',
      email: 'jane@example.com',
      tier: 'silver',
      fee: null,
      size: null,
      notes: null,
    },
    { id: 'p89', brand_name: 'Brand 89', email: 'p89@example.com', tier: 'silver', fee: null, size: null, notes: null },
    { id: 'x1', brand_name: 'Only in Close', email: null, tier: null, fee: null, size: '3', notes: null },
  ]);
  expect(await run('select * from staff order by id')).toEqual([
    { id: 's1', name: 'Ada', email: 'ada@example.com' },
    { id: 's2', name: 'Bob', email: null },
    { id: 's3', name: 'Cleo', email: null },
  ]);

  const [origin, lineage] = blocks('Where did this come from?');
  expect(await run(origin)).toEqual([
    { field: 'brand_name', value: 'Brand 2', applied: true, source_ref: 'Master Sheet → Column B' },
    { field: 'email', value: 'p2@example.com', applied: true, source_ref: 'Master Sheet → Column C' },
    { field: 'fee', value: 12.5, applied: true, source_ref: 'Contracts → Column B' },
    { field: 'id', value: 'p2', applied: true, source_ref: 'Master Sheet → Column A' },
    { field: 'notes', value: 'old', applied: true, source_ref: 'Leads → description' },
    { field: 'size', value: 40, applied: true, source_ref: 'Leads → Size' },
    { field: 'tier', value: 'gold', applied: true, source_ref: 'Master Sheet → Column D' },
    { field: 'tier', value: 'platinum', applied: false, source_ref: 'Contracts → Column C' },
  ]);
  expect(await run(lineage)).toEqual([
    { field_name: 'brand_name', source_ref: 'Master Sheet → Column B', previous_value: null, new_value: 'Brand 2' },
  ]);

  const [settled, open, choose] = blocks('Conflicts');
  expect(await run(settled)).toEqual([
    {
      local_key: 'p2',
      column: 'brand_name',
      kind: 'lower_priority',
      resolution: 'local',
      local_value: 'Brand 2',
      remote_value: 'Brand Two Ltd',
    },
    {
      local_key: 's2',
      column: 'name',
      kind: 'lower_priority',
      resolution: 'local',
      local_value: 'Bob',
      remote_value: 'Robert',
    },
  ]);
  await pool.query(`update partners set notes = 'called in' where id = 'p2'`);
  close.edit('lead', lead, { description: 'from the call' });
  await synced(crm);
  expect(await run(open)).toEqual([
    {
      mapping: 'partners_close',
      local_key: 'p2',
      column: 'notes',
      local_value: 'called in',
      remote_value: 'from the call',
    },
  ]);
  expect(await run(`select notes from partners where id = 'p2'`)).toEqual([{ notes: 'called in' }]);
  await run(choose);
  await waitFor(
    async () => expect(await run(`select notes from partners where id = 'p2'`)).toEqual([{ notes: 'from the call' }]),
    { within: 30_000 },
  );
  expect(await run(open)).toEqual([]);

  expect(await synced(blocks('Overwrite all the same')[0])).toEqual(['completed']);
  expect(await run(`select tier from partners where id = 'p2'`)).toEqual([{ tier: 'platinum' }]);

  expect((await run(blocks('Runs')[0])).at(-1)).toEqual({
    name: 'partners_sheet',
    kind: 'full',
    status: 'completed',
    dry_run: true,
    rows_processed: '10',
    rows_created: '10',
    rows_updated: '0',
    rows_skipped: '0',
    rows_failed: '0',
  });

  // The tabs of a source are read side by side: one that gets no answer keeps no other waiting.
  sheets.fail({ path: '/drive/v3/files', with: { kind: 'hang' } });
  const ids = (await run<{ sync_now: string }>(agency)).map((row) => row.sync_now);
  await waitFor(
    async () => {
      const { rows } = await pool.query(`select status from tideway.sync_runs where id = any ($1) order by 1`, [ids]);
      expect(rows).toEqual([{ status: 'completed' }, { status: 'completed' }, { status: 'running' }]);
    },
    { within: 20_000 },
  );
});
