import { afterAll, afterEach, beforeEach, expect, onTestFailed, test } from 'vitest';
import { startOdooApp, type OdooApp } from '../apps/odoo/odoo-app.ts';
import { PARTNER_MODELS } from '../apps/odoo/partners.ts';
import { useDatabase } from '../support/database.ts';
import { killDaemons, startDaemon, type RunningDaemon } from '../support/daemon.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { waitFor } from '../support/wait-for.ts';

const KEY = 'c0ffee5577e0b4d2a3f91c5577e0b4d2a3f91c55';
const db = useDatabase();
const slot = `${db.name}_slot`;
let app: OdooApp;

beforeEach(async () => {
  app = await startOdooApp({
    database: 'shop',
    users: [{ id: 7, login: 'bot', password: 'unused-password', apiKeys: [KEY] }],
    models: PARTNER_MODELS,
  });
});
afterEach(async () => {
  await killDaemons();
  await app.stop();
});
afterAll(() => dropSlot(db.pool, slot));

async function daemon(env: Record<string, string> = {}): Promise<RunningDaemon> {
  const running = await startDaemon(db.url, { TIDEWAY_SLOT: slot, ODOO_KEY: KEY, ...env });
  onTestFailed(() => {
    console.error(running.log());
  });
  return running;
}

const shown = (): unknown[] =>
  app
    .records('res.partner')
    .map(({ values }) => [values['name'], values['email'], values['credit_limit'], values['is_company']])
    .sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));

test('rows written in SQL appear in Odoo, once each, whatever kills the daemon', async () => {
  const first = await daemon();
  await waitFor(async () => {
    const { rows } = await db.pool.query(`select from tideway.systems where system = 'odoo'`);
    expect(rows).toHaveLength(1);
  });
  await db.pool.query(`
    create table customers (id bigint primary key, name text, email text, credit numeric, company boolean)`);
  await db.pool.query(`select tideway.connect('erp', 'odoo', $1, 'env:ODOO_KEY')`, [
    { base_url: app.url, database: 'shop', login: 'bot', requests_per_second: 100, request_life: 300 },
  ]);
  await db.pool.query(
    `select tideway.map('customers', 'erp', 'res.partner', 'customers', $1::jsonb, direction => 'push', options => $2)`,
    [
      JSON.stringify([
        { local: 'id', remote: 'color', type: 'number' },
        { local: 'name', remote: 'name' },
        { local: 'email', remote: 'email' },
        { local: 'credit', remote: 'credit_limit', type: 'number' },
        { local: 'company', remote: 'is_company', type: 'boolean' },
      ]),
      { retry_base: '100 ms', retry_cap: '1 s' },
    ],
  );
  await db.pool.query(`select tideway.activate('customers')`);
  await db.pool.query(
    `insert into customers values (1, 'Ada', 'ada@example.com', 12.5, true), (2, 'Bo', null, 0, false)`,
  );
  await waitFor(() => {
    expect(shown()).toEqual([
      ['Ada', 'ada@example.com', 12.5, true],
      ['Bo', false, 0, false],
    ]);
  });
  await first.stop();

  await db.pool.query(`
    insert into customers values (3, 'Cy', 'cy@example.com', 1, false);
    update customers set credit = 99 where id = 1;
    delete from customers where id = 2`);
  // The create reaches Odoo, its answer reaches nobody.
  app.fail({ method: 'create', with: { kind: 'drop_answer' } });
  const doomed = await daemon({ TIDEWAY_FAILPOINT: 'push.answered' });
  expect(await doomed.ended).toBe('SIGKILL');
  await daemon();
  await waitFor(
    () => {
      expect(shown()).toEqual([
        ['Ada', 'ada@example.com', 99, true],
        ['Cy', 'cy@example.com', 1, false],
      ]);
    },
    { within: 60_000 },
  );
  expect(app.journal().filter(({ op }) => op === 'create')).toHaveLength(3);
  expect(new Set(app.journal().map(({ actor }) => actor))).toEqual(new Set(['api']));
});

test('what people do in Odoo arrives, both sides follow each other, and a name changed on both waits for a person', async () => {
  const make = (ref: number, name: string): number =>
    app.edit('res.partner', { op: 'create', values: { color: ref, name, email: `${name.toLowerCase()}@example.com` } });
  const [ada, bo, cy] = [make(1, 'Ada'), make(2, 'Bo'), make(3, 'Cy')];
  await daemon();
  await db.pool.query(
    `create table partners (id bigint primary key, name text, email text, active boolean not null default true, odoo_id text)`,
  );
  await db.pool.query(`select tideway.connect('inward', 'odoo', $1, 'env:ODOO_KEY')`, [
    { base_url: app.url, database: 'shop', login: 'bot', requests_per_second: 100, request_life: 300 },
  ]);
  await db.pool.query(
    `select tideway.map('partners', 'inward', 'res.partner', 'partners', $1::jsonb, direction => 'both', options => $2)`,
    [
      JSON.stringify([
        { local: 'id', remote: 'color', type: 'number' },
        { local: 'name', remote: 'name', conflict: 'manual' },
        { local: 'email', remote: 'email' },
        { local: 'active', remote: 'active', type: 'boolean' },
        { local: 'odoo_id', remote: '$id' },
      ]),
      {
        match_on: ['id'],
        schedule: '1 s',
        settle: '5 s',
        sweep_schedule: 'manual',
        retry_base: '100 ms',
        retry_cap: '1 s',
      },
    ],
  );
  await db.pool.query(`select tideway.activate('partners')`);
  const holds = (wanted: readonly (readonly [string, string, string | null, boolean, number | string])[]) =>
    waitFor(
      async () => {
        const { rows } = await db.pool.query({ text: `select * from partners order by id`, rowMode: 'array' });
        expect(rows).toEqual(wanted.map(([...row]) => [...row.slice(0, 4), String(row[4])]));
      },
      { within: 30_000 },
    );
  await holds([
    ['1', 'Ada', 'ada@example.com', true, ada],
    ['2', 'Bo', 'bo@example.com', true, bo],
    ['3', 'Cy', 'cy@example.com', true, cy],
  ]);

  const dee = make(4, 'Dee');
  app.edit('res.partner', { op: 'update', id: ada, values: { name: 'Ada L.' } });
  app.edit('res.partner', { op: 'update', id: bo, values: { active: false } });
  await db.pool.query(`update partners set email = 'ada@example.org' where id = 1`);
  await db.pool.query(`insert into partners (id, name) values (5, 'Eve')`);
  const eve = await waitFor(
    () => {
      const found = app.records('res.partner').find(({ values }) => values['color'] === 5);
      if (found === undefined) throw new Error('Eve is not in Odoo yet');
      return found.id;
    },
    { within: 30_000 },
  );
  await holds([
    ['1', 'Ada L.', 'ada@example.org', true, ada],
    ['2', 'Bo', 'bo@example.com', false, bo],
    ['3', 'Cy', 'cy@example.com', true, cy],
    ['4', 'Dee', 'dee@example.com', true, dee],
    ['5', 'Eve', null, true, eve],
  ]);
  await waitFor(
    () => {
      const shownAda = app.records('res.partner').find(({ id }) => id === ada);
      expect(shownAda?.values).toMatchObject({ name: 'Ada L.', email: 'ada@example.org' });
    },
    { within: 30_000 },
  );

  // While the row rests a read finds what changed there meanwhile; what only one side changed needs no decision.
  app.edit('res.partner', { op: 'update', id: cy, values: { name: 'Cyrus', email: 'cyrus@example.com' } });
  await db.pool.query(`update partners set name = 'Cyril' where id = 3`);
  const conflict = await waitFor(
    async () => {
      const { rows } = await db.pool.query<{ id: string }>(
        `select id, "column", local_value, remote_value from tideway.open_conflicts where mapping = 'partners'`,
      );
      expect(rows).toMatchObject([{ column: 'name', local_value: 'Cyril', remote_value: 'Cyrus' }]);
      return rows[0]?.id;
    },
    { within: 30_000 },
  );
  await db.pool.query(`select tideway.resolve_conflict($1, 'remote')`, [conflict]);
  // Odoo tells nobody what was deleted.
  app.edit('res.partner', { op: 'delete', id: dee });
  await db.pool.query(`select tideway.sync_now('partners', 'sweep')`);
  await holds([
    ['1', 'Ada L.', 'ada@example.org', true, ada],
    ['2', 'Bo', 'bo@example.com', false, bo],
    ['3', 'Cyrus', 'cyrus@example.com', true, cy],
    ['5', 'Eve', null, true, eve],
  ]);
  // What came in did not go out again.
  const effects = app.journal().filter(({ actor }) => actor === 'api');
  expect(effects.map(({ op, id }) => [op, id]).sort()).toEqual([
    ['create', eve],
    ['update', ada],
  ]);
});
