import { randomUUID } from 'node:crypto';
import OdooAwait from 'odoo-await';
import { afterAll, afterEach, beforeAll, expect, onTestFailed, test } from 'vitest';
import { killDaemons, startDaemon } from '../support/daemon.ts';
import { useDatabase } from '../support/database.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { waitFor } from '../support/wait-for.ts';

const given = (name: string): string => process.env[`TIDEWAY_TEST_ODOO_${name}`] ?? '';
const [url, database, login, key] = [given('URL'), given('DB'), given('USER'), given('KEY')];
const PARTNERS = Number(process.env['TIDEWAY_TEST_ODOO_PARTNERS'] ?? 5000);
/** In the job position of every contact of this run, so that no other is ever touched. */
const MARK = `tideway-test-${randomUUID().slice(0, 8)}`;
const OURS = [
  ['function', '=', MARK],
  ['active', 'in', [true, false]],
];

const db = useDatabase();
const slot = `${db.name}_slot`;
const person = new OdooAwait({ baseUrl: url, db: database, username: login, password: key });

beforeAll(async () => void (await person.connect()));
afterEach(killDaemons);
afterAll(async () => {
  const left = await person.search('res.partner', OURS);
  for (let at = 0; at < left.length; at += 500) await person.delete('res.partner', left.slice(at, at + 500));
  await dropSlot(db.pool, slot);
});

const eventually = (check: () => unknown) =>
  waitFor(async () => void (await check()), { within: 60_000 + PARTNERS * 200 });
const idOf = async (ref: string): Promise<number> => {
  const [found] = await person.search('res.partner', [...OURS, ['ref', '=', ref]]);
  if (found === undefined) throw new Error(`There is no contact ${ref}`);
  return found;
};
const count = async (sql: string) => (await db.pool.query(sql)).rowCount;
const row = async (ref: string) =>
  (
    await db.pool.query<{ name: string; active: boolean }>(`select name, active from came where ref = $1`, [
      `${MARK}-${ref}`,
    ])
  ).rows;

test('a real Odoo: both directions, a first load, a change, an archive, a deletion and a poison row', async () => {
  await db.pool.query(`
    create table sent (ref text primary key, name text, email text, mark text not null default '${MARK}');
    create table came (ref text primary key, name text, email text, active boolean, mark text, odoo_id text)`);
  await db.pool.query(
    `insert into sent (ref, name, email)
     select $1 || '-' || n, 'Contact ' || n, 'c' || n || '@example.com' from generate_series(1, $2::integer) n`,
    [MARK, PARTNERS],
  );
  await db.pool.query(`select tideway.connect('erp', 'odoo', $1, 'env:ODOO_KEY')`, [
    {
      base_url: url,
      database,
      login,
      models: ['res.partner'],
      requests_per_second: 20,
      request_life: 5_000,
      overlap: 60_000,
    },
  ]);
  const columns = [
    { local: 'ref', remote: 'ref' },
    { local: 'name', remote: 'name' },
    { local: 'email', remote: 'email' },
    { local: 'mark', remote: 'function' },
  ];
  const pulled = [
    ...columns,
    { local: 'active', remote: 'active', type: 'boolean' },
    { local: 'odoo_id', remote: '$id' },
  ];
  await db.pool.query(
    `select tideway.map('sent', 'erp', 'res.partner', 'sent', $1::jsonb, direction => 'push', options => '{"retry_base": "1 s"}'),
            tideway.map('came', 'erp', 'res.partner', 'came', $2::jsonb, direction => 'pull', options => $3)`,
    [
      JSON.stringify(columns),
      JSON.stringify(pulled),
      { filter: { remote: JSON.stringify([['function', '=', MARK]]) }, schedule: '2 s', sweep_schedule: 'manual' },
    ],
  );
  await db.pool.query(`select tideway.activate('sent')`);
  const daemon = await startDaemon(db.url, {
    TIDEWAY_SLOT: slot,
    TIDEWAY_EGRESS_ALLOW: new URL(url).hostname,
    ODOO_KEY: key,
  });
  onTestFailed(() => {
    console.error(daemon.log().slice(-8000));
  });

  await eventually(async () => expect(await person.search('res.partner', OURS)).toHaveLength(PARTNERS));
  await db.pool.query(`select tideway.activate('came')`);
  await eventually(async () => expect(await count('select from came')).toBe(PARTNERS));
  expect(
    await count('select from came c join sent s using (ref, name, email) where c.odoo_id is not null and c.active'),
  ).toBe(PARTNERS);

  // What a person does.
  await person.update('res.partner', await idOf(`${MARK}-1`), { name: 'Renamed' });
  await person.update('res.partner', await idOf(`${MARK}-2`), { active: false });
  await person.create('res.partner', { name: 'New', ref: `${MARK}-new`, function: MARK });
  await eventually(async () => {
    expect(await row('1')).toEqual([{ name: 'Renamed', active: true }]);
    expect(await row('2')).toEqual([{ name: 'Contact 2', active: false }]);
    expect(await row('new')).toEqual([{ name: 'New', active: true }]);
  });
  await person.delete('res.partner', await idOf(`${MARK}-3`));
  await db.pool.query(`select tideway.sync_now('came', 'sweep')`);
  await eventually(async () => expect(await row('3')).toEqual([]));

  // What Odoo refuses stops nothing else, and is mended from SQL.
  await db.pool.query(
    `insert into sent (ref, name) values ('${MARK}-poison', null), ('${MARK}-good', 'Good');
     delete from sent where ref = '${MARK}-4'`,
  );
  await eventually(async () => {
    expect(await row('good')).toEqual([{ name: 'Good', active: true }]);
    const { rows } = await db.pool.query(`select local_key from tideway.failed_rows where mapping = 'sent'`);
    expect(rows).toEqual([{ local_key: `${MARK}-poison` }]);
    expect(await person.search('res.partner', [...OURS, ['ref', '=', `${MARK}-4`]])).toEqual([]);
  });
  await db.pool.query(
    `update sent set name = 'Mended' where ref = '${MARK}-poison'; select tideway.retry_row('sent', '"${MARK}-poison"')`,
  );
  await eventually(async () => expect(await row('poison')).toEqual([{ name: 'Mended', active: true }]));
  expect(await person.search('res.partner', OURS)).toHaveLength(PARTNERS + 1);
});
