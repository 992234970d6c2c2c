import { afterAll, afterEach, beforeEach, expect, onTestFailed, test } from 'vitest';
import { startAirtableApp, type AirtableApp } from '../apps/airtable/airtable-app.ts';
import { useDatabase } from '../support/database.ts';
import { killDaemons, startDaemon } from '../support/daemon.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { waitFor } from '../support/wait-for.ts';

const TOKEN = 'patFlow.0123456789abcdef';
const TABLE = {
  id: 'tblVehicles000001',
  name: 'Vehicles',
  fields: [
    { id: 'fldVin0000000001', name: 'VIN', type: 'singleLineText' },
    { id: 'fldMake000000001', name: 'Make', type: 'singleLineText' },
    { id: 'fldSold000000001', name: 'Sold', type: 'checkbox' },
  ],
} as const;
const [VIN, MAKE, SOLD] = TABLE.fields.map(({ id }) => id) as [string, string, string];

const { pool, url, name } = useDatabase();
const slot = `${name}_slot`;
let app: AirtableApp;

beforeEach(async () => {
  app = await startAirtableApp({ token: TOKEN, baseId: 'appFlow0000000001', tables: [TABLE] });
});
afterEach(async () => {
  await killDaemons();
  await app.stop();
});
afterAll(() => dropSlot(pool, slot));

const daemon = async (env: Record<string, string> = {}) => {
  const started = await startDaemon(url, { TIDEWAY_SLOT: slot, AIRTABLE_TOKEN: TOKEN, ...env });
  onTestFailed(() => {
    console.error(started.log());
  });
  return started;
};

const here = (wanted: readonly (readonly [string, string | null, boolean])[]) =>
  waitFor(
    async () => {
      const { rows } = await pool.query<{ vin: string; make: string | null; sold: boolean }>(
        `select vin, make, sold from vehicles order by vin`,
      );
      expect(rows.map(({ vin, make, sold }) => [vin, make, sold])).toEqual(wanted);
    },
    { within: 30_000 },
  );
const there = (wanted: readonly (readonly [unknown, unknown, unknown])[]) =>
  waitFor(
    () => {
      const rows = app.rows(TABLE.id).map(({ fields }) => [fields[VIN], fields[MAKE], fields[SOLD]]);
      expect(rows.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))).toEqual(wanted);
    },
    { within: 30_000 },
  );

test('rows and records pass both ways, a killed daemon doubles none, and a deletion is found', async () => {
  await pool.query(`create table vehicles (vin text primary key, make text, sold boolean not null default false)`);
  await pool.query(`select tideway.connect('fleet', 'airtable', $1, 'env:AIRTABLE_TOKEN')`, [
    { base_id: 'appFlow0000000001', base_url: app.url, requests_per_second: 5, request_life: 300 },
  ]);
  await pool.query(
    `select tideway.map('vehicles', 'fleet', $1, 'vehicles', $2::jsonb, direction => 'both',
            options => '{"schedule": "1 s", "sweep_schedule": "manual", "retry_base": "100 ms", "retry_cap": "1 s"}')`,
    [
      TABLE.id,
      JSON.stringify([
        { local: 'vin', remote: VIN },
        { local: 'make', remote: MAKE },
        { local: 'sold', remote: SOLD, type: 'boolean' },
      ]),
    ],
  );
  await pool.query(`select tideway.activate('vehicles')`);
  const theirs = app.add(TABLE.id, { [VIN]: 'a', [MAKE]: 'Opel' });

  const first = await daemon();
  await here([['a', 'Opel', false]]);
  await pool.query(`insert into vehicles values ('b', 'Saab', true)`);
  await there([
    ['a', 'Opel', undefined],
    ['b', 'Saab', true],
  ]);
  app.edit(TABLE.id, theirs.id, { [SOLD]: true });
  await here([
    ['a', 'Opel', true],
    ['b', 'Saab', true],
  ]);
  await first.stop();

  await pool.query(`insert into vehicles values ('c', 'Lada', false)`);
  const doomed = await daemon({ TIDEWAY_FAILPOINT: 'push.answered' });
  expect(await doomed.ended).toBe('SIGKILL');
  app.remove(TABLE.id, theirs.id);
  await daemon();
  await there([
    ['b', 'Saab', true],
    ['c', 'Lada', undefined],
  ]);
  await pool.query(`select tideway.sync_now('vehicles', 'sweep')`);
  await here([
    ['b', 'Saab', true],
    ['c', 'Lada', false],
  ]);
  expect(app.effects().filter(({ op }) => op === 'create')).toHaveLength(2);
});
