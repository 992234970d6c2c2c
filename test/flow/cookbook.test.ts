import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { COOKBOOK_TABLES } from '../apps/plain/cookbook-tables.ts';
import { startPlainApp, type PlainApp } from '../apps/plain/plain-app.ts';
import { killDaemons, startDaemon, type RunningDaemon } from '../support/daemon.ts';
import { useDatabase } from '../support/database.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { fencedBlocks, sections } from '../support/fenced-blocks.ts';
import { useLogins } from '../support/logins.ts';
import { waitFor } from '../support/wait-for.ts';

const TOKEN = 'plain-token';
const PAGE = 'docs/cookbook.md';
const recipes = sections(PAGE);

const database = useDatabase();
const { pool, url, name } = database;
const { login } = useLogins(database);
const slot = `${name}_slot`;
let crm: PlainApp;
let desk: PlainApp;
let daemon: RunningDaemon;
/** An ordinary role that owns its tables. */
let reader: Awaited<ReturnType<typeof login>>;

beforeAll(async () => {
  reader = await login('tideway_operator');
  await pool.query(
    `grant create on database ${name} to ${reader.role}; grant create on schema public to ${reader.role}`,
  );
  const tables = Object.entries(COOKBOOK_TABLES).map(([id, columns]) => ({ id, columns }));
  crm = await startPlainApp({ token: TOKEN, tables });
  desk = await startPlainApp({ token: TOKEN, tables: tables.filter(({ id }) => id === 'Members') });
  daemon = await startDaemon(url, { TIDEWAY_SLOT: slot, PLAIN_TOKEN: TOKEN });
  for (const [account, app] of Object.entries({ crm, desk })) {
    await pool.query(`select tideway.connect($1, 'plain', $2, 'env:PLAIN_TOKEN')`, [
      account,
      { base_url: app.url, request_life: 300 },
    ]);
    await pool.query(`select tideway.discover($1)`, [account]);
  }
  await waitFor(
    async () => {
      const { rows } = await pool.query(`select from tideway.remote_tables`);
      expect(rows).toHaveLength(tables.length + 1);
    },
    { within: 30_000 },
  );
});
afterAll(async () => {
  await killDaemons();
  await Promise.all([crm.stop(), desk.stop()]);
  await dropSlot(pool, slot);
});

type Row = Record<string, unknown>;

async function run(sql: string | undefined): Promise<Row[]> {
  const result = (await reader.client.query(sql ?? '')) as unknown as { rows: Row[] } | { rows: Row[] }[];
  return (Array.isArray(result) ? result : [result]).at(-1)?.rows ?? [];
}

/** Runs a block that may have no answer yet, until it has this one. */
const answers = (sql: string | undefined, wanted: unknown): Promise<unknown> =>
  waitFor(
    async () => {
      const rows = await run(sql);
      expect(rows).toEqual(wanted);
      return true;
    },
    { within: 30_000 },
  );

function person(table: string, app = crm) {
  const records = () => app.records(table);
  const find = (column: string, value: unknown) =>
    records().find(({ values }) => JSON.stringify(plain(values[column])) === JSON.stringify(value))?.id ?? '';
  const edit = (command: Parameters<PlainApp['edit']>[1]) => {
    const result = app.edit(table, command);
    if (!result.ok) throw new Error(result.refusal.message);
    return result.id;
  };
  return {
    add: (values: Row) => edit({ op: 'create', values }),
    edit: (column: string, value: unknown, values: Row) => edit({ op: 'update', id: find(column, value), values }),
    remove: (column: string, value: unknown) => edit({ op: 'delete', id: find(column, value) }),
    sees: (wanted: readonly Row[]) =>
      waitFor(
        () => {
          const shown = records().map(({ values }) =>
            Object.fromEntries(Object.entries(values).map(([column, value]) => [column, plain(value)])),
          );
          const sorted = shown.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
          expect(sorted).toEqual(wanted.map((row) => expect.objectContaining(row) as Row));
          return true;
        },
        { within: 30_000 },
      ),
  };
}

/** The app keeps exact numbers and JSON in a wrapping of its own. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return 'number' in value ? Number(value.number) : 'json' in value ? value.json : value;
}

const active = (...mappings: readonly string[]) =>
  answers(
    `select name from tideway.mappings where state = 'active' and name = any ('{${mappings.join(',')}}') order by name`,
    [...mappings].sort().map((mapping) => ({ name: mapping })),
  );

/** A read that a person asks for, to its end. */
async function read(mapping: string, mode = 'delta'): Promise<string> {
  const [{ id } = { id: '' }] = await run(`select tideway.sync_now('${mapping}', '${mode}') as id`);
  await ended(id);
  return String(id);
}

const ended = (id: unknown) =>
  waitFor(
    async () => {
      const [found] = await run(`select status from tideway.sync_runs where id = '${String(id)}'`);
      expect(found?.['status']).toMatch(/^completed/);
      return true;
    },
    { within: 30_000 },
  );

/** Resolves when nothing of the mapping is on its way to the app or waits to be seen there. */
const settled = (mapping: string) =>
  answers(
    `select (select count(*)::int from tideway_private.links l where l.mapping = m.number and l.sent is not null) as unseen,
            (select count(*)::int from tideway_private.outbox o where o.mapping = m.number) as marks,
            (select count(*)::int from tideway_private.in_flight f where f.mapping = m.number) as batches
       from tideway.mappings m where m.name = '${mapping}'`,
    [{ unseen: 0, marks: 0, batches: 0 }],
  );

const paused = (mapping: string) =>
  answers(
    `select w.reason from tideway_private.waiting w join tideway.mappings m on m.number = w.mapping where m.name = '${mapping}'`,
    [{ reason: 'paused' }],
  );

/** What each recipe promises, by the start of its heading. */
const trials: Record<string, (blocks: readonly string[]) => Promise<void>> = {
  '1. ': async ([table, suggest, map]) => {
    const app = person('Contacts');
    app.add({ ID: 1, Email: 'ada@example.com', 'Full Name': 'Ada', Fax: '12' });
    await run(table);
    expect((await run(suggest)).map(({ local, remote }) => [local, remote])).toEqual([
      ['email', 'Email'],
      ['full_name', 'Full Name'],
      ['id', 'ID'],
    ]);
    await run(map);
    await answers('select * from contacts', [{ id: 1, email: 'ada@example.com', full_name: 'Ada', internal: null }]);
  },
  '2. ': async ([all]) => {
    const app = person('Parcels');
    app.add({
      No: 'a',
      Weight: '1.250',
      Insured: true,
      Sent: '2026-03-01',
      Delivered: '2026-03-02T10:00:00Z',
      Details: { door: 4 },
      Labels: ['blue', 'red'],
    });
    await run(all);
    await answers(
      `select *, sent_on::text, delivered_at at time zone 'UTC' = '2026-03-02 10:00' as delivered_at from parcels`,
      [
        {
          number: 'a',
          weight: '1.250',
          insured: true,
          sent_on: '2026-03-01',
          delivered_at: true,
          details: { door: 4 },
          labels: ['blue', 'red'],
        },
      ],
    );
    await run(`insert into parcels (number, weight, labels) values ('b', 2.5, '{green}')`);
    await app.sees([{ No: 'a' }, { No: 'b', Weight: 2.5, Insured: false, Labels: ['green'], Details: null }]);
  },
  '3. ': async ([all]) => {
    const app = person('Subscribers');
    app.add({ Mail: ' Ada@Example.com', Name: ' ' });
    await run(all);
    await answers('select * from subscribers', [{ email: 'ada@example.com', name: null }]);
    await run(`insert into subscribers values ('bob@example.com', null)`);
    await app.sees([{ Mail: ' Ada@Example.com' }, { Mail: 'bob@example.com', Name: '' }]);
  },
  '4. ': async ([all]) => {
    const app = person('Invoices');
    app.add({ No: 'a', Total: '$1,234.50', Due: '31/12/2026', Paid: 'no' });
    app.add({ No: 'b', Total: '1.234,50 €', Due: '01/02/2026', Paid: 'yes' });
    await run(all);
    await answers('select number, total, due::text, paid from invoices order by number', [
      { number: 'a', total: '1234.50', due: '2026-12-31', paid: false },
      { number: 'b', total: '1234.50', due: '2026-02-01', paid: true },
    ]);
    await run(`insert into invoices values ('c', 7, '2026-05-06', true)`);
    await app.sees([{ No: 'a' }, { No: 'b' }, { No: 'c', Total: '7.00', Due: '06/05/2026', Paid: 'Yes' }]);
  },
  '5. ': async ([all]) => {
    person('Tickets').add({
      No: 1,
      Customer: { address: { city: 'Kiel' } },
      Tags: ['urgent', 'old'],
      Watchers: ['Ann', 'Bo'],
    });
    await run(all);
    await answers('select * from tickets', [{ id: 1, city: 'Kiel', tag: 'urgent', watcher: 'Ann, Bo' }]);
  },
  '6. ': async ([all]) => {
    const app = person('Accounts');
    app.add({ No: 1, IBAN: 'de89 3704 0044 0532 0130 00' });
    app.add({ No: 2, IBAN: 'none' });
    await run(all);
    await answers('select * from accounts order by id', [
      { id: 1, iban: 'DE89370400440532013000' },
      { id: 2, iban: null },
    ]);
    await answers(`select "column", message from tideway.failed_rows where mapping = 'accounts'`, [
      { column: 'iban', message: 'This is no IBAN.' },
    ]);
  },
  '7. ': async ([all]) => {
    const app = person('Offers');
    app.add({ No: 1, Name: 'Lamp', Price: 1, Score: 9 });
    await run(all);
    await answers('select * from offers', [{ id: 1, name: 'Lamp', price: null, score: '9' }]);
    await run(`update offers set price = 20, score = 0, name = 'Desk lamp'`);
    await app.sees([{ No: 1, Name: 'Desk lamp', Price: 20, Score: 9 }]);
  },
  '8. ': async ([all]) => {
    const firms = person('Companies');
    const people = person('People');
    people.add({ No: 1, Name: 'Ann', Company: firms.add({ No: 7, Name: 'Acme' }) });
    await run(all);
    await answers('select * from people', [{ id: 1, name: 'Ann', company: 7 }]);
    await run(`insert into companies values (8, 'Blue'); insert into people values (2, 'Bo', 8)`);
    await waitFor(
      () => {
        const blue = crm.records('Companies').find(({ values }) => values['Name'] === 'Blue');
        const bo = crm.records('People').find(({ values }) => values['Name'] === 'Bo');
        expect(bo?.values['Company']).toBe(blue?.id ?? 'not yet there');
      },
      { within: 30_000 },
    );
  },
  '9. ': async ([all, trace]) => {
    const app = person('Prices');
    app.add({ Product: 1, Currency: 'EUR', Amount: 10 });
    await run(all);
    await answers('select * from prices', [{ product: 1, currency: 'EUR', amount: '10' }]);
    expect((await run(trace)).length).toBeGreaterThan(0);
    await run(`insert into prices values (1, 'USD', 11)`);
    await app.sees([
      { Product: 1, Currency: 'EUR', Amount: 10 },
      { Product: 1, Currency: 'USD', Amount: 11 },
    ]);
  },
  '10. ': async ([all]) => {
    const app = person('Leads');
    const id = app.add({ Name: 'Ada' });
    await run(all);
    await answers('select crm_id, name from leads', [{ crm_id: id, name: 'Ada' }]);
    expect(await run(`select severity from tideway.validate_mapping('leads')`)).toEqual([{ severity: 'warning' }]);
    await run(`insert into leads (name) values ('Bo')`);
    await app.sees([{ Name: 'Ada' }, { Name: 'Bo' }]);
  },
  '11. ': async ([all]) => {
    const app = person('Notes');
    app.add({ No: 1, Body: 'first', Edited: '2026-01-01T00:00:00Z' });
    await run(all);
    await answers('select body from notes', [{ body: 'first' }]);
    await settled('notes');
    const both = async (theirs: string, ours: string, at: string) => {
      await run(`select tideway.pause_row('notes', '1')`);
      await paused('notes');
      app.edit('No', 1, { Body: theirs });
      await run(`update notes set body = '${ours}', updated_at = ${at}`);
      await run(`select tideway.resume_row('notes', '1')`);
      await read('notes');
    };
    await both('theirs', 'ours, later', `now() + interval '1 minute'`);
    await app.sees([{ No: 1, Body: 'ours, later' }]);
    await settled('notes');
    await both('theirs, later', 'ours', `now() - interval '1 minute'`);
    await answers('select body from notes', [{ body: 'theirs, later' }]);
  },
  '12. ': async ([all]) => {
    const app = person('Stock');
    app.add({ SKU: 'lamp', Quantity: 10 });
    await run(all);
    await answers('select * from stock', [{ sku: 'lamp', on_hand: 10 }]);
    await settled('stock');
    app.edit('SKU', 'lamp', { Quantity: 7 });
    await run(`update stock set on_hand = on_hand + 5`);
    await waitFor(
      async () => {
        await read('stock');
        expect(await run('select on_hand from stock')).toEqual([{ on_hand: 12 }]);
        expect(crm.records('Stock').map(({ values }) => plain(values['Quantity']))).toEqual([12]);
      },
      { within: 30_000 },
    );
  },
  '13. ': async ([all, open, choose]) => {
    const app = person('Contracts');
    app.add({ No: 1, Fee: 100 });
    await run(all);
    await answers('select * from contracts', [{ id: 1, fee: '100' }]);
    await settled('contracts');
    await run(`select tideway.pause_row('contracts', '1')`);
    await paused('contracts');
    await run('update contracts set fee = 110');
    app.edit('No', 1, { Fee: 90 });
    await run(`select tideway.resume_row('contracts', '1')`);
    await read('contracts');
    await answers(open, [{ local_key: '1', column: 'fee', local_value: 110, remote_value: 90 }]);
    await run(choose);
    await app.sees([{ No: 1, Fee: 110 }]);
    await answers(open, []);
  },
  '14. ': async ([all, origin]) => {
    const app = person('Brands');
    app.add({ No: 1, Name: 'Acme', Segment: 'retail', Score: 3 });
    await run(all);
    await answers('select * from brands', [{ id: 1, name: 'Acme', segment: 'retail', score: null }]);
    app.edit('No', 1, { Name: 'Acme Ltd', Segment: 'trade' });
    await read('brands');
    await answers('select * from brands', [{ id: 1, name: 'Acme Ltd', segment: 'retail', score: null }]);
    expect(await run(origin)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ field: 'name', value: 'Acme Ltd', applied: true }),
        expect.objectContaining({ field: 'segment', value: 'trade', applied: false }),
      ]),
    );
  },
  '15. ': async ([all]) => {
    const [first, second] = [person('Members'), person('Members', desk)];
    first.add({ No: 1, Name: 'Ada', Phone: '1' });
    await run(all);
    await second.sees([{ No: 1, Name: 'Ada' }]);
    second.add({ No: 2, Name: 'Bo' });
    await read('members_desk');
    await first.sees([
      { No: 1, Name: 'Ada', Phone: '1' },
      { No: 2, Name: 'Bo' },
    ]);
  },
  '16. ': async ([all]) => {
    const app = person('Articles');
    await run(all);
    await active('articles');
    await run(`insert into articles values (1, 'Draft'), (2, 'Out'), (3, 'Out too')`);
    await run(`update articles set status = 'published' where id > 1`);
    await app.sees([
      { No: 2, Title: 'Out' },
      { No: 3, Title: 'Out too' },
    ]);
    await run(`update articles set status = 'draft' where id = 2`);
    await app.sees([{ No: 3, Title: 'Out too' }]);
  },
  '17. ': async ([all]) => {
    const app = person('Suppliers');
    app.add({ Name: 'ADA AND SONS', Mail: 'ada@example.com' });
    app.add({ Name: 'Only there', Mail: 'there@example.com' });
    await run(all);
    await app.sees([
      { Name: 'Ada & Sons', Mail: 'ada@example.com' },
      { Name: 'Only here', Mail: 'here@example.com' },
      { Name: 'Only there', Mail: 'there@example.com' },
    ]);
    await answers('select name from suppliers order by name', [
      { name: 'Ada & Sons' },
      { name: 'Only here' },
      { name: 'Only there' },
    ]);
  },
  '18. ': async ([all]) => {
    const app = person('Events');
    await run(all);
    await active('events');
    await run(`insert into events values (1, '2026-05-01', 'fair'), (2, '2027-05-01', 'next fair')`);
    await app.sees([
      { No: 1, Day: '2026-05-01', What: 'fair' },
      { No: 2, Day: '2027-05-01', What: 'next fair' },
    ]);
    await run(`update events set what = 'a fair' where id = 1; alter table events detach partition events_2026`);
    await run(`update events set what = 'another fair' where id = 2`);
    await waitFor(() => expect(crm.records('Events').map(({ values }) => values['What'])).toContain('another fair'), {
      within: 30_000,
    });
    await settled('events');
    expect(crm.records('Events')).toHaveLength(2);
  },
  '19. ': async ([all]) => {
    const app = person('Tasks');
    app.add({ No: 1, Title: 'call' });
    app.add({ No: 2, Title: 'write' });
    await run(all);
    await answers('select id from tasks order by id', [{ id: 1 }, { id: 2 }]);
    await settled('tasks');
    await run('delete from tasks where id = 2');
    await app.sees([{ No: 1 }, { No: 2, Archived: true }]);
    app.remove('No', 1);
    await read('tasks', 'sweep');
    await answers('select id, deleted_at is not null as gone from tasks where id = 1', [{ id: 1, gone: true }]);
  },
  '20. ': async ([all]) => {
    const app = person('Ledger');
    app.add({ No: 1, Amount: 5 });
    app.add({ No: 2, Amount: 6 });
    await run(all);
    await answers('select id from ledger order by id', [{ id: 1 }, { id: 2 }]);
    await settled('ledger');
    app.remove('No', 1);
    await run('delete from ledger where id = 2');
    await read('ledger', 'sweep');
    await settled('ledger');
    expect(await run('select id from ledger where id = 1')).toEqual([{ id: 1 }]);
    await app.sees([{ No: 2 }]);
  },
  '21. ': async ([all, mistake, held, approve]) => {
    await run(all);
    await waitFor(() => expect(crm.records('Staff')).toHaveLength(40), { within: 30_000 });
    await settled('staff');
    await run(mistake);
    await answers(held, [{ gone_side: 'local', run_id: null, count: '20' }]);
    expect(crm.records('Staff')).toHaveLength(40);
    await run(approve);
    await waitFor(() => expect(crm.records('Staff')).toHaveLength(20), { within: 30_000 });
  },
  '22. ': async ([zone, all]) => {
    await pool.query(zone ?? '');
    await run(all);
    await active('orders');
    expect(await run(`select schedule, sweep_schedule, windows from tideway.mappings where name = 'orders'`)).toEqual([
      {
        schedule: '*/15 * * * *',
        sweep_schedule: '30 3 * * *',
        windows: [{ days: '1-5', from: '08:00', to: '18:00' }],
      },
    ]);
    await pool.query(`update tideway.organisations set timezone = 'UTC'`);
  },
  '23. ': async ([all]) => {
    const app = person('Drafts');
    await run(all);
    await active('drafts');
    await run(`insert into drafts values (1, 'h')`);
    await run(`update drafts set body = 'he'`);
    await run(`update drafts set body = 'hello'`);
    await app.sees([{ No: 1, Body: 'hello' }]);
    expect(crm.journal().filter(({ table }) => table === 'Drafts')).toHaveLength(1);
  },
  '24. ': async ([all, preview, dry, result]) => {
    person('Sites').add({ No: 1, Name: 'Kiel' });
    await run(all);
    await active('sites');
    const delta = await waitFor(
      async () => {
        const [row] = await run(preview);
        expect(row?.['delta']).not.toBeNull();
        return row?.['delta'];
      },
      { within: 30_000 },
    );
    expect(JSON.stringify(delta)).toContain('Kiel');
    const [{ sync_now: id } = { sync_now: '' }] = await run(dry);
    await ended(id);
    const [found] = await run(result);
    expect(found).toMatchObject({ status: 'completed', rows_created: '1' });
    expect(JSON.stringify(found?.['changes'])).toContain('Kiel');
    expect(await run('select from sites')).toEqual([]);
  },
  '25. ': async ([all, few]) => {
    const app = person('Readings');
    for (let no = 1; no <= 10; no += 1) app.add({ No: no, Value: no * 1.5 });
    await run(all);
    await active('readings');
    const [{ sync_now: id } = { sync_now: '' }] = await run(few);
    await ended(id);
    expect(await run('select count(*)::int as rows from readings')).toEqual([{ rows: 3 }]);
  },
  '26. ': async ([all, look, promote]) => {
    await run(all);
    const rows = await waitFor(
      async () => {
        const found = await run(look);
        expect(found.length).toBeGreaterThan(0);
        return found;
      },
      { within: 30_000 },
    );
    expect(JSON.stringify(rows)).toContain('Spring');
    expect(crm.records('Campaigns')).toEqual([]);
    await run(promote);
    await person('Campaigns').sees([{ No: 1, Name: 'Spring' }]);
  },
  '27. ': async ([all, backfill]) => {
    const app = person('Rates');
    await run(all);
    await app.sees([
      { Code: 'EUR', Rate: 1 },
      { Code: 'USD', Rate: 1.1 },
    ]);
    await settled('rates');
    app.edit('Code', 'USD', { Rate: null });
    await run(backfill);
    await app.sees([
      { Code: 'EUR', Rate: 1 },
      { Code: 'USD', Rate: 1.1 },
    ]);
  },
  '28. ': async ([all, failed, mend]) => {
    const app = person('Titles');
    await run(all);
    await waitFor(
      async () => expect(await run(failed)).toMatchObject([{ local_key: '2', column: 'text', code: 'VALUE_TOO_LONG' }]),
      { within: 30_000 },
    );
    await app.sees([{ No: 1, Text: 'short' }]);
    await run(mend);
    await app.sees([
      { No: 1, Text: 'short' },
      { No: 2, Text: 'shorter' },
    ]);
    await answers(failed, []);
  },
  '29. ': async ([all]) => {
    const app = person('Visits');
    for (const [at, shop] of ['Kiel', 'Bremen', 'Kiel'].entries()) app.add({ No: at + 1, Shop: shop });
    await run(all);
    await answers('select * from visits_by_shop order by shop', [
      { shop: 'Bremen', count: '1' },
      { shop: 'Kiel', count: '2' },
    ]);
  },
};

describe(PAGE, () => {
  test('every recipe has a trial', () => {
    const untried = [...recipes.keys()].filter(
      (title) => !Object.keys(trials).some((start) => title.startsWith(start)),
    );
    expect(untried).toEqual([]);
    expect(recipes.size).toBe(Object.keys(trials).length);
  });

  test.each([...recipes.keys()])('%s', async (title) => {
    onTestFailed(() => {
      console.error(daemon.log().split('\n').slice(-40).join('\n'));
    });
    const trial = Object.entries(trials).find(([start]) => title.startsWith(start))?.[1];
    await trial?.(fencedBlocks(recipes.get(title) ?? ''));
  });
});
