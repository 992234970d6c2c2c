import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { plain, useOutbound, type Stage } from '../outbound/stage.ts';

const flow = useOutbound();
const { pool } = flow;
let companies: Stage;

const columns = (...ids: string[]) => ids.map((id) => ({ id, type: id === 'ref' ? 'number' : 'text' }) as const);

/** People of companies; each side names the company in its own way. */
async function begin(): Promise<void> {
  await pool.query(`create table companies (id integer primary key, name text, qty integer)`);
  await pool.query(`create table people (id integer primary key, name text, company integer references companies)`);
  const polled = { schedule: '1 s', sweep_schedule: 'manual' };
  companies = await flow.stage({
    name: 'companies',
    direction: 'both',
    mapping: polled,
    app: {
      tables: [
        { id: 'items', columns: [...columns('ref', 'name'), { id: 'qty', type: 'number' }] },
        { id: 'people', columns: columns('ref', 'name', 'company') },
      ],
    },
  });
  await pool.query(
    `select tideway.map('people', 'companies', 'people', 'people', $1::jsonb, direction => 'both', options => $2)`,
    [
      JSON.stringify([
        { local: 'id', remote: 'ref', type: 'number' },
        { local: 'name', remote: 'name' },
        { local: 'company', remote: 'company', in: 'lookup:companies', out: 'lookup:companies' },
      ]),
      { ...polled, retry_base: '100 ms', retry_cap: '1 s' },
    ],
  );
  await pool.query(`select tideway.activate('people')`);
  await flow.daemon();
}

/** Which company each person has in the app. */
const shown = () => companies.app.records('people').map(({ values }) => [plain(values['ref']), values['company']]);
const rows = async () =>
  (await pool.query<[number, number | null]>({ text: 'select id, company from people order by id', rowMode: 'array' }))
    .rows;

test('foreign keys travel as the ids of records, parents first, both ways', async () => {
  await begin();
  await pool.query(
    `with one as (insert into companies values (1, 'Acme', 1) returning id) insert into people select 10, 'Ada', id from one`,
  );
  await waitFor(() => expect(shown()).toEqual([[10, expect.any(String)]]));
  expect(shown()).toEqual([[10, companies.record(1)?.id]]);

  // In the app the person came first, and her company only after it.
  const bob = companies.app.edit('people', {
    op: 'create',
    values: { ref: 11, name: 'Bob', company: companies.record(1)?.id ?? '' },
  });
  await waitFor(async () => expect(await rows()).toEqual([[10, 1], [11, 1]])); // prettier-ignore
  const globex = companies.edit({ op: 'create', values: { ref: 2, name: 'Globex', qty: 2 } });
  companies.app.edit('people', { op: 'update', id: bob.ok ? bob.id : '', values: { company: globex } });
  await waitFor(async () => expect(await rows()).toEqual([[10, 1], [11, 2]])); // prettier-ignore

  await pool.query('update people set company = 2 where id = 10');
  await pool.query('update people set company = null where id = 11');
  await waitFor(() => expect(shown()).toEqual([[10, globex], [11, null]])); // prettier-ignore
  await flow.settled();
  expect((await pool.query(`select from tideway.failed_rows`)).rowCount).toBe(0);
});

test('a person whose company never came waits, is told, and goes when it comes', async () => {
  await begin();
  await pool.query(`select tideway.pause('companies')`);
  await pool.query(`insert into companies values (3, 'Initech', 3)`);
  await pool.query(`insert into people values (12, 'Cyd', 3), (13, 'Dee', null)`);
  await waitFor(() => expect(shown()).toEqual([[13, null]]));
  await waitFor(async () =>
    expect((await pool.query(`select reason from tideway_private.waiting where local_key = '12'`)).rows).toEqual([
      { reason: 'dependency' },
    ]),
  );
  await pool.query(`select tideway.resume('companies')`);
  await waitFor(() => expect(shown()).toEqual([[13, null], [12, expect.any(String)]]), { within: 30_000 }); // prettier-ignore
  expect(shown()).toContainEqual([12, companies.record(3)?.id]);
  await flow.settled();
});
