import { afterAll, afterEach, beforeEach, expect, onTestFailed, test } from 'vitest';
import { startNetsuiteApp, type NetsuiteApp } from '../apps/netsuite/netsuite-app.ts';
import { killDaemons, startDaemon, type RunningDaemon } from '../support/daemon.ts';
import { useDatabase } from '../support/database.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { waitFor } from '../support/wait-for.ts';

const SECRET = JSON.stringify({
  consumer_key: 'ck',
  consumer_secret: 'cs-5512',
  token_id: 'tk',
  token_secret: 'ts-9981',
});
const CUSTOMER = {
  name: 'customer',
  from: 'customer',
  fields: { email: 'text', companyName: 'text', creditLimit: 'number', isInactive: 'boolean' },
  required: ['companyName'],
} as const;

const { pool, url, name } = useDatabase();
const slot = `${name}_slot`;
let app: NetsuiteApp;

beforeEach(async () => {
  app = await startNetsuiteApp({
    account: '123456_SB1',
    tokens: { ck: 'ck', cs: 'cs-5512', tk: 'tk', ts: 'ts-9981' },
    types: [CUSTOMER],
  });
});
afterEach(async () => {
  await killDaemons();
  await app.stop();
});
afterAll(() => dropSlot(pool, slot));

const daemon = async (env: Record<string, string> = {}): Promise<RunningDaemon> => {
  const started = await startDaemon(url, { TIDEWAY_SLOT: slot, NETSUITE_SECRET: SECRET, ...env });
  onTestFailed(() => {
    console.error(started.log());
  });
  return started;
};

/** A mapped table of customers in a connection of its own; its key is the column of the app that is named. */
const stage = async (
  table: string,
  key: string | null,
  direction: string,
  options: Readonly<Record<string, unknown>> = {},
) => {
  await pool.query(`create table ${table} (key text primary key, company text, credit numeric, inactive boolean)`);
  await pool.query(`select tideway.connect($1, 'netsuite', $2, 'env:NETSUITE_SECRET')`, [
    table,
    { account_id: '123456-sb1', base_url: app.url, requests_per_second: 200, request_life: 300 },
  ]);
  await pool.query(
    `select tideway.map($1::text, $1::text, 'customer', $1::text::regclass, $2::jsonb, direction => $3, options => $4)`,
    [
      table,
      JSON.stringify([
        ...(key === null ? [] : [{ local: 'key', remote: key }]),
        { local: 'company', remote: 'companyName' },
        { local: 'credit', remote: 'creditLimit', type: 'number' },
        { local: 'inactive', remote: 'isInactive', type: 'boolean' },
      ]),
      direction,
      { retry_base: '100 ms', retry_cap: '1 s', ...options },
    ],
  );
  await pool.query(`select tideway.activate($1)`, [table]);
};

const shows = (key: string, wanted: readonly unknown[][]) =>
  waitFor(
    () => {
      const rows = app
        .records('customer')
        .map(({ fields }) => [fields[key], fields['companyName'], fields['creditLimit'], fields['isInactive']]);
      expect(rows.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))).toEqual(wanted);
    },
    { within: 40_000 },
  );

const holds = (table: string, wanted: readonly unknown[][]) =>
  waitFor(
    async () => {
      const { rows } = await pool.query({ text: `select * from ${table} order by key`, rowMode: 'array' });
      expect(rows).toEqual(wanted);
    },
    { within: 40_000 },
  );

const settled = (table: string) =>
  waitFor(
    async () => {
      const { rows } = await pool.query(
        `select m.name, o.open from tideway.mappings m cross join lateral (
           select (select count(*) from tideway_private.links l where l.mapping = m.number and l.sent is not null)
                + (select count(*) from tideway_private.waiting w where w.mapping = m.number)
                + (select count(*) from tideway_private.outbox x where x.mapping = m.number)
                + (select count(*) from tideway_private.in_flight f where f.mapping = m.number) as open) o
          where m.name = $1`,
        [table],
      );
      expect(rows).toEqual([{ name: table, open: '0' }]);
    },
    { within: 40_000 },
  );

const written = (op: string): number => app.journal().filter((entry) => entry.op === op).length;

test.each([
  ['upserted under its own external id', 'externalId', 'PUT'],
  ['found by its key', 'email', 'POST'],
  ['sent again under the id that Tideway gave it', null, 'POST'],
])('a create whose answer is lost is %s, and makes no second record', async (_, key, method) => {
  const table = `sent_by_${String(key).toLowerCase()}`;
  await stage(table, key, 'push');
  await daemon();
  app.fail({ method, path: '/record/v1/customer', with: { kind: 'drop_answer' } });
  await pool.query(`insert into ${table} values ('a', 'Acme', 4.5, false), ('b', 'Bolt', 3, true)`);
  await shows('companyName', [
    ['Acme', 'Acme', 4.5, false],
    ['Bolt', 'Bolt', 3, true],
  ]);
  await settled(table);
  expect(written('create')).toBe(2);
  const { rows } = await pool.query(
    `select l.remote_id from tideway_private.links l join tideway.mappings m on m.number = l.mapping where m.name = $1 order by 1`,
    [table],
  );
  expect(rows).toEqual(app.records('customer').map(({ id }) => ({ remote_id: id })));
});

test('a daemon that is killed after the answer doubles and loses nothing', async () => {
  await stage('killed', 'email', 'push');
  const first = await daemon();
  await pool.query(`insert into killed values ('a', 'Acme', 4.5, false), ('b', 'Bolt', 7, true)`);
  await shows('email', [
    ['a', 'Acme', 4.5, false],
    ['b', 'Bolt', 7, true],
  ]);
  await settled('killed');
  await first.stop();
  await pool.query(`insert into killed values ('c', 'Core', 1, false);
    update killed set credit = null where key = 'a'; delete from killed where key = 'b'`);
  const doomed = await daemon({ TIDEWAY_FAILPOINT: 'push.answered' });
  expect(await doomed.ended).toBe('SIGKILL');
  await daemon();
  await shows('email', [
    ['a', 'Acme', undefined, false],
    ['c', 'Core', 1, false],
  ]);
  await settled('killed');
  expect(written('create')).toBe(3);
});

test('a record that NetSuite refuses fails alone, and says which field it wants', async () => {
  await stage('refused', 'email', 'push', { max_attempts: 2 });
  await daemon();
  await pool.query(`insert into refused values ('a', null, 1, false), ('b', 'Bolt', 1, true)`);
  await shows('email', [['b', 'Bolt', 1, true]]);
  await waitFor(async () => {
    const { rows } = await pool.query(`select local_key, code, message from tideway.failed_rows`);
    expect(rows).toMatchObject([
      { code: 'VALUE_REFUSED', message: expect.stringContaining('enter value(s) for: companyName') as string },
    ]);
  });
  await pool.query(`update refused set company = 'Acme' where key = 'a'`);
  await shows('email', [
    ['a', 'Acme', 1, false],
    ['b', 'Bolt', 1, true],
  ]);
});

test('records become rows, both sides follow each other, and what NetSuite logs as deleted goes', async () => {
  const [ada, bo] = ['a', 'b'].map((email) => app.add('customer', { email, companyName: email, isInactive: false }));
  await stage('partners', 'email', 'both', { match_on: ['key'], schedule: '1 s', sweep_schedule: 'manual' });
  const doomed = await daemon({ TIDEWAY_FAILPOINT: 'pull.applied' });
  expect(await doomed.ended).toBe('SIGKILL');
  const second = await daemon();
  await holds('partners', [
    ['a', 'a', null, false],
    ['b', 'b', null, false],
  ]);
  await waitFor(
    async () => {
      const { rows } = await pool.query(
        `select r.status from tideway.sync_runs r join tideway.mappings m on m.id = r.mapping_id
          where m.name = 'partners' order by r.created_at limit 1`,
      );
      expect(rows).toEqual([{ status: 'completed' }]);
    },
    { within: 40_000 },
  );
  await pool.query(`insert into partners values ('c', 'Core', 7, true)`);
  app.edit('customer', ada ?? '', { companyName: 'Acme' });
  await pool.query(`update partners set credit = 2.25 where key = 'a'`);
  await shows('email', [
    ['a', 'Acme', 2.25, false],
    ['b', 'b', undefined, false],
    ['c', 'Core', 7, true],
  ]);
  await holds('partners', [
    ['a', 'Acme', '2.25', false],
    ['b', 'b', null, false],
    ['c', 'Core', '7', true],
  ]);
  await settled('partners');
  await second.stop();
  app.remove('customer', bo ?? '');
  await daemon();
  await holds('partners', [
    ['a', 'Acme', '2.25', false],
    ['c', 'Core', '7', true],
  ]);
  await settled('partners');
  // Nothing came back as an echo.
  expect(
    app
      .journal()
      .map(({ op, fields }) => [op, ...Object.keys(fields).sort()])
      .sort(),
  ).toEqual([
    ['create', 'companyName', 'creditLimit', 'email', 'externalId', 'isInactive'],
    ['update', 'creditLimit'],
  ]);
});
