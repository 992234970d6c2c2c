import { randomUUID } from 'node:crypto';
import OdooAwait from 'odoo-await';
import { afterAll, afterEach, beforeAll, describe, expect, inject, onTestFailed, test } from 'vitest';
import { killDaemons, startDaemon, type RunningDaemon } from '../support/daemon.ts';
import { useDatabase } from '../support/database.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { waitFor } from '../support/wait-for.ts';
import { startGate, type Gate } from './gate.ts';

const odoo = inject('odoo');
if (typeof odoo === 'string') console.log(`Skipped: everything with a real Odoo: ${odoo}`);
const PARTNERS = Number(process.env['TIDEWAY_TEST_ODOO_PARTNERS'] ?? 5000);

describe.runIf(typeof odoo !== 'string')('a real Odoo', () => {
  if (typeof odoo === 'string') return;
  const { url, database, tideway, person: account } = odoo;
  const { pool, url: databaseUrl, name } = useDatabase();
  const slot = `${name}_slot`;
  const person = new OdooAwait({ baseUrl: url, db: database, username: account.login, password: account.key });
  /** In the job position of every contact of a test, so that no other is ever touched. */
  let mark = '';
  let gate: Gate;
  let daemon: RunningDaemon;

  const ours = () => [
    ['function', '=', mark],
    ['active', 'in', [true, false]],
  ];
  const eventually = (check: () => unknown) =>
    waitFor(async () => void (await check()), { within: 60_000 + PARTNERS * 200, every: 20 + PARTNERS / 10 });
  const ids = (ref: string): Promise<number[]> => person.search('res.partner', [...ours(), ['ref', '=', ref]]);
  const idOf = async (ref: string): Promise<number> => {
    const [found] = await ids(ref);
    if (found === undefined) throw new Error(`There is no contact ${ref}`);
    return found;
  };
  const edit = async (ref: string, values: Record<string, unknown>): Promise<void> =>
    void (await person.update('res.partner', await idOf(ref), values));
  const count = async (sql: string) => (await pool.query(sql)).rowCount;
  const connect = (more: object = {}) =>
    pool.query(`select tideway.connect('erp', 'odoo', $1, 'env:ODOO_KEY')`, [
      {
        base_url: gate.url,
        database,
        login: tideway.login,
        models: ['res.partner'],
        requests_per_second: 20,
        request_life: 5_000,
        overlap: 60_000,
        ...more,
      },
    ]);

  beforeAll(async () => {
    await person.connect();
    gate = await startGate(url);
    mark = `tideway-test-${randomUUID().slice(0, 8)}`;
    daemon = await startDaemon(databaseUrl, { TIDEWAY_SLOT: slot, ODOO_KEY: tideway.key });
  });
  afterAll(async () => {
    await killDaemons();
    await gate.stop();
    const left = await person.search('res.partner', ours());
    for (let at = 0; at < left.length; at += 500) await person.delete('res.partner', left.slice(at, at + 500));
    await dropSlot(pool, slot);
  });
  afterEach(async () => {
    const { rows } = await pool.query<{ name: string }>(`select name from tideway.mappings where state <> 'unmapped'`);
    for (const { name: mapping } of rows) await pool.query(`select tideway.unmap($1)`, [mapping]);
  });
  const tellOnFailure = () =>
    onTestFailed(async () => {
      const { rows } = await pool.query(`select to_jsonb(e) - 'payload' as error from tideway.sync_errors e limit 10`);
      console.error(daemon.log().slice(-6000), JSON.stringify(rows, null, 1));
    });

  test(
    'both directions, a first load, a change, an archive, a deletion and a poison row',
    { timeout: 300_000 + PARTNERS * 500 },
    async () => {
      tellOnFailure();
      await pool.query(`
        create table sent (ref text primary key, name text, email text, mark text not null default '${mark}');
        create table came (ref text primary key, name text, email text, active boolean, mark text, odoo_id text)`);
      await pool.query(
        `insert into sent (ref, name, email)
         select 'p-' || n, 'Contact ' || n, 'c' || n || '@example.com' from generate_series(1, $1::integer) n`,
        [PARTNERS],
      );
      const row = async (ref: string) =>
        (await pool.query<{ name: string; active: boolean }>(`select name, active from came where ref = $1`, [ref]))
          .rows;
      await connect();
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
      await pool.query(
        `select tideway.map('sent', 'erp', 'res.partner', 'sent', $1::jsonb, direction => 'push', options => '{"retry_base": "1 s"}'),
                tideway.map('came', 'erp', 'res.partner', 'came', $2::jsonb, direction => 'pull', options => $3)`,
        [
          JSON.stringify(columns),
          JSON.stringify(pulled),
          { filter: { remote: JSON.stringify([['function', '=', mark]]) }, schedule: '2 s', sweep_schedule: 'manual' },
        ],
      );
      const began = performance.now();
      const took = (what: string): void => {
        const seconds = (performance.now() - began) / 1000;
        console.log(`${what}: ${seconds.toFixed(1)} s after the start, ${String(PARTNERS)} contacts`);
      };
      await pool.query(`select tideway.activate('sent')`);
      await eventually(async () => expect(await person.search('res.partner', ours())).toHaveLength(PARTNERS));
      took('All in Odoo');
      await pool.query(`select tideway.activate('came')`);
      await eventually(async () => expect(await count('select from came')).toBe(PARTNERS));
      took('All back');
      expect(
        await count('select from came c join sent s using (ref, name, email) where c.odoo_id is not null and c.active'),
      ).toBe(PARTNERS);

      // What a person does.
      await edit('p-1', { name: 'Renamed' });
      await edit('p-2', { active: false });
      await person.create('res.partner', { name: 'New', ref: 'p-new', function: mark });
      await eventually(async () => {
        expect(await row('p-1')).toEqual([{ name: 'Renamed', active: true }]);
        expect(await row('p-2')).toEqual([{ name: 'Contact 2', active: false }]);
        expect(await row('p-new')).toEqual([{ name: 'New', active: true }]);
      });
      await person.delete('res.partner', await idOf('p-3'));
      await pool.query(`select tideway.sync_now('came', 'sweep')`);
      await eventually(async () => expect(await row('p-3')).toEqual([]));

      // What Odoo refuses stops nothing else, and is mended from SQL.
      await pool.query(
        `insert into sent (ref, name) values ('p-poison', null), ('p-good', 'Good'); delete from sent where ref = 'p-4'`,
      );
      await eventually(async () => {
        expect(await row('p-good')).toEqual([{ name: 'Good', active: true }]);
        const { rows } = await pool.query(`select local_key from tideway.failed_rows where mapping = 'sent'`);
        expect(rows).toEqual([{ local_key: 'p-poison' }]);
        expect(await ids('p-4')).toEqual([]);
      });
      await pool.query(
        `update sent set name = 'Mended' where ref = 'p-poison'; select tideway.retry_row('sent', '"p-poison"')`,
      );
      await eventually(async () => expect(await row('p-poison')).toEqual([{ name: 'Mended', active: true }]));
      expect(await person.search('res.partner', ours())).toHaveLength(PARTNERS + 1);
    },
  );

  test('one table both ways: answers that get lost make nothing twice, and what a person did stays', async () => {
    tellOnFailure();
    mark = `tideway-test-${randomUUID().slice(0, 8)}`;
    await pool.query(
      `create table contacts (ref text primary key, name text, phone text, company boolean, parent text, mark text default '${mark}')`,
    );
    await connect({ overlap: 60_000 });
    await pool.query(
      `select tideway.map('contacts', 'erp', 'res.partner', 'contacts', $1::jsonb, direction => 'both', options => $2)`,
      [
        JSON.stringify([
          { local: 'ref', remote: 'ref' },
          { local: 'name', remote: 'name' },
          { local: 'phone', remote: 'phone' },
          { local: 'company', remote: 'is_company', type: 'boolean' },
          { local: 'parent', remote: 'parent_id' },
          { local: 'mark', remote: 'function' },
        ]),
        {
          filter: { remote: JSON.stringify([['function', '=', mark]]) },
          schedule: '2 s',
          retry_base: '1 s',
          on_local_delete: 'delete',
          on_remote_delete: 'delete',
        },
      ],
    );
    await pool.query(`select tideway.activate('contacts')`);
    const rows = async () =>
      (
        await pool.query<{ ref: string; name: string; phone: string | null }>(
          'select ref, name, phone from contacts order by ref',
        )
      ).rows;
    const shown = async () =>
      (
        await person.searchRead<{ ref: string; name: string; phone: string | false }>('res.partner', ours(), [
          'ref',
          'name',
          'phone',
        ])
      )
        .map(({ ref, name: called, phone }) => ({ ref, name: called, phone: phone === false ? null : phone }))
        .sort((a, b) => (a.ref < b.ref ? -1 : 1));
    const agree = (...wanted: readonly [string, string, string | null][]) =>
      eventually(async () => {
        const all = wanted.map(([ref, called, phone]) => ({ ref, name: called, phone }));
        expect(await rows()).toEqual(all);
        expect(await shown()).toEqual(all);
        expect(await count('select from tideway_private.links where sent is not null')).toBe(0);
      });

    const lose = (method: string) =>
      gate.fail({ when: ({ body }) => body?.includes(`"${method}"`) === true, with: { kind: 'drop_answer' } });
    lose('create');
    await pool.query(
      `insert into contacts (ref, name, company) values ('a', 'Anna', false), ('b', 'Bo & Söhne', true)`,
    );
    await agree(['a', 'Anna', null], ['b', 'Bo & Söhne', null]);
    lose('write');
    await pool.query(`update contacts set name = 'Anne' where ref = 'a'`);
    await edit('b', { phone: '030 1' });
    await person.create('res.partner', { ref: 'c', name: 'Cleo', function: mark });
    await agree(['a', 'Anne', null], ['b', 'Bo & Söhne', '030 1'], ['c', 'Cleo', null]);

    // The id of another contact is a reference; one that does not exist is the row's fault.
    await pool.query(`update contacts set parent = $1 where ref = 'a'`, [String(await idOf('b'))]);
    await eventually(async () =>
      expect(await person.searchRead('res.partner', [...ours(), ['ref', '=', 'a']], ['parent_id'])).toMatchObject([
        { parent_id: [await idOf('b'), 'Bo & Söhne'] },
      ]),
    );
    await pool.query(`update contacts set parent = '999999' where ref = 'c'`);
    await eventually(async () =>
      expect(
        (await pool.query(`select local_key, code from tideway.failed_rows where mapping = 'contacts'`)).rows,
      ).toEqual([{ local_key: 'c', code: 'VALUE_REFUSED' }]),
    );
    await pool.query(`update contacts set parent = null where ref = 'c'`);
    lose('unlink');
    await pool.query(`delete from contacts where ref = 'c'`);
    await agree(['a', 'Anne', null], ['b', 'Bo & Söhne', '030 1']);
    await person.delete('res.partner', await idOf('a'));
    await pool.query(`select tideway.sync_now('contacts', 'sweep')`);
    await agree(['b', 'Bo & Söhne', '030 1']);
  });
});
