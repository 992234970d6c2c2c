import { afterEach, describe, expect, test } from 'vitest';
import type { Cursor, Page, PageRequest, Session } from '../../src/connectors/connector.ts';
import { odoo } from '../../src/connectors/odoo/odoo.ts';
import type { OwnedConnection } from '../../src/connectors/owned-connection.ts';
import { odooSettings, type OdooSettings } from '../../src/connectors/odoo/settings.ts';
import { Fault } from '../../src/model/fault.ts';
import type { Fields } from '../../src/model/record.ts';
import type { WriteOutcome, WriteRow } from '../../src/model/write.ts';
import { writeRows } from '../../src/push/write-rows.ts';
import type { OdooApp, OdooAppOptions } from '../apps/odoo/odoo-app.ts';
import { ODOO_KEY, openOdoo, startPartners } from './odoo-rig.ts';

const TABLE = 'res.partner';
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

interface Rig {
  readonly app: OdooApp;
  readonly session: Session<OdooSettings>;
}

async function rig(app: Partial<OdooAppOptions> = {}, settings: Parameters<typeof openOdoo>[1] = {}): Promise<Rig> {
  const started = await startPartners(app);
  const opened = openOdoo(started, settings);
  closers.push(async () => {
    await opened.close();
    await started.stop();
  });
  return { app: started, session: opened.session };
}

const page = ({ session }: Rig, over: Partial<PageRequest> = {}): Promise<Page> =>
  (odoo.readPage as NonNullable<typeof odoo.readPage>)(session, {
    table: TABLE,
    columns: ['name'],
    mode: 'full',
    after: null,
    limit: 100,
    filter: null,
    askedFor: '1',
    ...over,
  });

const changes = (at: Rig, after: Cursor | null, columns = ['name']): Promise<Page> =>
  page(at, { mode: 'changes', after, columns });

const names = ({ records }: Page): unknown[] => records.map(({ fields }) => fields['name']);

const write = ({ session }: Rig, ...rows: WriteRow[]): Promise<readonly WriteOutcome[]> =>
  (odoo.writeBatch as NonNullable<typeof odoo.writeBatch>)(session, { table: TABLE, rows });

const create = (ref: string, fields: Fields): WriteRow => ({ op: 'create', ref, idempotencyKey: ref, fields });
const update = (ref: string, id: number, changed: Fields): WriteRow => ({
  op: 'update',
  ref,
  idempotencyKey: ref,
  id: String(id),
  changed,
  fields: changed,
});
const remove = (ref: string, id: number): WriteRow => ({ op: 'delete', ref, idempotencyKey: ref, id: String(id) });

const read = async ({ session }: Rig, id: number, columns: string[]) =>
  (
    await (odoo.readByIds as NonNullable<typeof odoo.readByIds>)(session, {
      table: TABLE,
      columns,
      ids: [String(id)],
      askedFor: '1',
    })
  ).records[0]?.fields;

const add = ({ app }: Rig, values: Fields, began?: number): number =>
  app.edit(TABLE, { op: 'create', values, ...(began === undefined ? {} : { began }) });

const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof Fault ? error.facts.code : error),
  );

const writesOf = ({ app }: Rig): string[] => app.calls().filter((call) => /\.(create|write|unlink)$/.test(call));

describe('changes', () => {
  const NOON = Date.parse('2026-11-21T12:00:00.400Z');

  test.for([14, 16, 19] as const)('a write in the second of the last read is found in version %i', async (version) => {
    let time = NOON;
    const at = await rig({ version, now: () => time });
    add(at, { name: 'before' });
    const { next } = await page(at);
    time += 300;
    add(at, { name: 'same second' });
    expect(names(await changes(at, next))).toContain('same second');
  });

  test('a transaction that commits late is found, although newer records were seen before it', async () => {
    let time = NOON;
    const at = await rig({ now: () => time });
    add(at, { name: 'first' });
    const { next } = await page(at);
    time += 120_000;
    add(at, { name: 'newer' });
    const second = await changes(at, next);
    expect(names(second)).toContain('newer');
    add(at, { name: 'late' }, time - 100_000);
    expect(names(await changes(at, second.next))).toContain('late');
  });

  test.for([16, 19] as const)('the overlap includes its first second in version %i', async (version) => {
    const at = await rig({ version, now: () => NOON });
    const { next } = await page(at);
    add(at, { name: 'on the edge' }, NOON - 300_000);
    expect(names(await changes(at, next))).toEqual(['on the edge']);
  });

  test('older changes than the overlap are not read again', async () => {
    let time = NOON;
    const at = await rig({ now: () => time });
    add(at, { name: 'old' });
    time += 600_000;
    const { next } = await page(at);
    add(at, { name: 'new' });
    expect(names(await changes(at, next))).toEqual(['new']);
  });

  test('the clock of the server counts, not that of this machine', async () => {
    const time = Date.parse('2020-01-01T00:00:00Z');
    const at = await rig({ now: () => time });
    const { next } = await page(at);
    expect(next).toEqual({ since: '2019-12-31 23:55:00' });
    add(at, { name: 'in 2020' });
    expect(names(await changes(at, next))).toEqual(['in 2020']);
  });

  test('a thousand records of one second come once each, in pages', async () => {
    const at = await rig({ now: () => NOON });
    const { next } = await page(at);
    for (let number = 0; number < 1000; number += 1) add(at, { name: `n${String(number)}` });
    let after: Cursor | null = next;
    const seen: string[] = [];
    for (let complete = false; !complete;) {
      const answer: Page = await page(at, { mode: 'changes', after, limit: 300 });
      seen.push(...answer.records.map(({ id }) => id));
      ({ next: after, complete } = answer);
    }
    expect([seen.length, new Set(seen).size]).toEqual([1000, 1000]);
  });

  test('a model without a write date is only read whole', async () => {
    const at = await rig();
    const answer = await page(at, { table: 'x_report' });
    expect(answer).toMatchObject({ complete: true, next: null });
    const [table] = await odoo.discover(at.session, ['x_report']);
    expect(table?.capabilities.changes).toBe(false);
  });
});

describe('pages', () => {
  test('count the whole, take a domain in JSON, and refuse what is none', async () => {
    const at = await rig();
    for (const name of ['a', 'b', 'c']) add(at, { name, is_company: name !== 'b' });
    const filter = '["|", ["name", "=", "b"], ["is_company", "=", true]]';
    expect(await page(at, { limit: 2, filter })).toMatchObject({ total: 3, complete: false });
    expect(names(await page(at, { filter: '[["is_company", "=", true]]' }))).toEqual(['a', 'c']);
    expect(await codeOf(page(at, { filter: "[('is_company', '=', True)]" }))).toBe('SETTINGS_INVALID');
    expect(await codeOf(page(at, { columns: ['nope'] }))).toBe('MAPPING_FIELD_MISSING');
    expect(await codeOf(page(at, { table: 'no.model' }))).toBe('TABLE_MISSING');
  });

  test('a page out of order is not believed', async () => {
    const at = await rig();
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      result: [
        { id: 2, name: 'b' },
        { id: 1, name: 'a' },
      ],
    });
    at.app.fail({ method: 'search_read', with: { kind: 'body', contentType: 'application/json', body } });
    expect(await codeOf(page(at))).toBe('BAD_RESPONSE');
  });
});

describe('values', () => {
  test('false is null by type, zero is zero, and only a boolean is false', async () => {
    const at = await rig();
    const id = add(at, { name: 'empty' });
    const columns = [
      'phone',
      'comment',
      'type',
      'date',
      'seen_at',
      'country_id',
      'image_128',
      'color',
      'is_company',
      'child_ids',
    ];
    expect(await read(at, id, columns)).toEqual({
      phone: null,
      comment: null,
      type: null,
      date: null,
      seen_at: null,
      country_id: null,
      image_128: null,
      color: 0,
      is_company: false,
      child_ids: [],
    });
  });

  test('a many2one is the id as text, and only an id is sent', async () => {
    const at = await rig();
    const country = at.app.edit('res.country', { op: 'create', values: { name: 'Germany' } });
    const [outcome] = await write(at, create('a', { name: 'x', country_id: String(country) }));
    expect(outcome).toMatchObject({ result: 'written', id: '1' });
    expect(await read(at, 1, ['country_id'])).toEqual({ country_id: String(country) });
    const before = at.app.journal().length;
    for (const country_id of ['Germany', [1, 'Germany'], 1.5, true, { id: 1 }]) {
      const [refused] = await write(at, update('u', 1, { country_id }));
      expect(refused).toMatchObject({ result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'country_id' } });
    }
    expect(at.app.journal()).toHaveLength(before);
    const [table] = await odoo.discover(at.session, [TABLE]);
    expect(table?.columns.find(({ name }) => name === 'country_id')).toMatchObject({
      refersTo: 'res.country',
      type: 'string',
    });
  });

  test('lists of ids replace links, and commands are sent as they are', async () => {
    const at = await rig();
    const [one, two] = ['one', 'two'].map((name) =>
      at.app.edit('res.partner.category', { op: 'create', values: { name } }),
    );
    const id = add(at, { name: 'x' });
    const shown = async (): Promise<unknown> => (await read(at, id, ['category_id']))?.['category_id'];
    await write(at, update('a', id, { category_id: [two ?? 0, one ?? 0] }));
    expect(await shown()).toEqual([one, two]);
    await write(at, update('r', id, { category_id: [one ?? 0] }));
    expect(await shown()).toEqual([one]);
    await write(at, update('s', id, { category_id: [one ?? 0, two ?? 0] }));
    await write(at, update('b', id, { category_id: [[3, one ?? 0, 0]] }));
    expect(await shown()).toEqual([two]);
    await write(at, update('c', id, { category_id: null }));
    expect(await shown()).toEqual([]);
    await write(at, update('d', id, { child_ids: [[0, 0, { name: 'child' }]] }));
    expect((await read(at, id, ['child_ids']))?.['child_ids']).toEqual([id + 1]);
    expect(await write(at, update('e', id, { category_id: ['x'] }))).toMatchObject([
      { fault: { column: 'category_id' } },
    ]);
  });

  test('a datetime without a zone and fields that Odoo keeps itself are refused', async () => {
    const at = await rig();
    const id = add(at, { name: 'x' });
    for (const changed of [
      { seen_at: '2026-01-01 10:00:00' },
      { write_date: '2026-01-01T00:00:00Z' },
      { color: '3000000000' },
    ]) {
      const [column = ''] = Object.keys(changed);
      expect(await write(at, update('u', id, changed))).toMatchObject([{ result: 'refused', fault: { column } }]);
    }
  });
});

describe('writes', () => {
  test('a batch is one call for creates, one for equal updates, one for deletes', async () => {
    const at = await rig();
    const ids = ['a', 'b', 'c', 'd'].map((name) => add(at, { name }));
    const [a = 0, b = 0, c = 0, d = 0] = ids;
    const outcomes = await write(
      at,
      update('1', a, { color: 3 }),
      create('2', { name: 'e' }),
      remove('3', c),
      update('4', b, { color: 3 }),
      create('5', { name: 'f' }),
      remove('6', d),
    );
    expect(outcomes.map(({ ref, result }) => [ref, result])).toEqual(
      ['1', '2', '3', '4', '5', '6'].map((ref) => [ref, 'written']),
    );
    expect(writesOf(at)).toEqual([
      'jsonrpc res.partner.create',
      'jsonrpc res.partner.write',
      'jsonrpc res.partner.unlink',
    ]);
  });

  test.for([
    [16, 'json_rpc'],
    [19, 'json_rpc'],
    [19, 'json_2'],
  ] as const)(
    'creates that version %i refuses over %s are refused as a whole batch, and nothing is written',
    async ([version, protocol]) => {
      const at = await rig({ version }, { protocol });
      const outcomes = await write(at, create('1', { name: 'good' }), create('2', { phone: 'no name' }));
      expect(outcomes).toMatchObject([
        { result: 'refused', wholeBatch: true, fault: { code: 'VALUE_REFUSED', uncertain: false } },
        { result: 'refused', wholeBatch: true },
      ]);
      expect(at.app.journal()).toEqual([]);
      const [alone] = await write(at, create('2', { phone: 'no name' }));
      expect(alone).toMatchObject({ result: 'refused', wholeBatch: false });
      expect(alone?.result === 'refused' && alone.fault.message).toContain('Contacts require a name');
    },
  );

  test('a missing record among equal updates and deletes is named, and the others are written', async () => {
    const at = await rig();
    const [a = 0, b = 0] = ['a', 'b'].map((name) => add(at, { name }));
    expect(await write(at, update('1', a, { color: 1 }), update('2', 999, { color: 1 }))).toMatchObject([
      { result: 'written' },
      { result: 'not_found' },
    ]);
    expect(await write(at, remove('1', a), remove('2', 999), remove('3', b))).toMatchObject([
      { result: 'written' },
      { result: 'not_found' },
      { result: 'written' },
    ]);
  });

  test.for([14, 19] as const)(
    'a record that is gone is named, too, where version %i writes to it without a word',
    async (version) => {
      const { app, session } = await rig({ version });
      const tags = 'res.partner.category';
      const id = app.edit(tags, { op: 'create', values: { name: 'Gold' } });
      const outcomes = await odoo.writeBatch?.(session, {
        table: tags,
        rows: [update('1', id, { color: 1 }), update('2', 999, { color: 1 }), update('3', 998, { color: 2 })],
      });
      expect(outcomes?.map(({ result }) => result)).toEqual(['written', 'not_found', 'not_found']);
    },
  );

  test('a bad create keeps nobody else from being written, whatever else is in the batch', async () => {
    const { app, session } = await rig();
    const id = app.edit(TABLE, { op: 'create', values: { name: 'old' } });
    const owned = { connector: odoo, lease: { assertHeld: () => undefined }, session: () => session };
    const rows = [
      create('1', { phone: 'no name' }),
      create('2', { name: 'good' }),
      create('3', { name: 'fine' }),
      remove('4', id),
    ];
    const outcomes = await writeRows(owned as unknown as OwnedConnection, TABLE, rows, odoo.describe().limits);
    expect(Object.fromEntries(outcomes.map(({ ref, result }) => [ref, result]))).toEqual({
      1: 'refused',
      2: 'written',
      3: 'written',
      4: 'written',
    });
  });

  test.for([16, 19] as const)(
    'a reference to nothing is not mistaken for a missing record in version %i',
    async (version) => {
      const at = await rig({ version });
      const id = add(at, { name: 'a' });
      expect(await write(at, update('1', id, { country_id: '999' }))).toMatchObject([
        { result: 'refused', fault: { code: 'VALUE_REFUSED' } },
      ]);
      expect(await write(at, create('1', { name: 'b', country_id: '999' }))).toMatchObject([
        { result: 'refused', fault: { code: 'VALUE_REFUSED' } },
      ]);
    },
  );

  test('what Odoo rolled back is certain and may be sent again; a lost database is not certain', async () => {
    const at = await rig();
    const failing = async (name: string): Promise<WriteOutcome | undefined> => {
      at.app.fail({ method: 'create', with: { kind: 'exception', name, message: 'could not serialize access' } });
      return (await write(at, create('1', { name: 'x' })))[0];
    };
    expect(await failing('psycopg2.errors.SerializationFailure')).toMatchObject({ result: 'retry' });
    expect(await failing('psycopg2.errors.DeadlockDetected')).toMatchObject({ result: 'retry' });
    expect(await failing('psycopg2.OperationalError')).toMatchObject({ result: 'uncertain' });
    expect(await failing('builtins.ValueError')).toMatchObject({ result: 'refused' });
  });

  test('after a lost answer nothing more is sent, and what was not sent is certain', async () => {
    const at = await rig();
    const id = add(at, { name: 'a' });
    at.app.fail({ method: 'create', with: { kind: 'drop_answer' } });
    const outcomes = await write(at, update('1', id, { color: 1 }), create('2', { name: 'b' }));
    expect(outcomes.map(({ result }) => result)).toEqual(['retry', 'uncertain']);
    expect(writesOf(at)).toEqual(['jsonrpc res.partner.create']);
    const answer = await odoo.findByKey?.(at.session, {
      table: TABLE,
      columns: ['name'],
      column: 'name',
      values: ['b'],
      askedFor: '2',
    });
    expect(answer?.records).toHaveLength(1);
  });

  test('a value that no record can have does not keep the others from being found', async () => {
    const at = await rig();
    add(at, { name: 'a', color: 7 });
    const answer = await odoo.findByKey?.(at.session, {
      table: TABLE,
      columns: ['color'],
      column: 'color',
      values: ['seven', '7', null, '99999999999'],
      askedFor: '1',
    });
    expect(answer?.records).toMatchObject([{ id: '1', fields: { color: 7 } }]);
  });

  test('a record rule refuses the row and does not stop the connection', async () => {
    const at = await rig();
    const id = add(at, { name: 'a' });
    at.app.bar(TABLE, id);
    expect(await write(at, update('1', id, { color: 1 }))).toMatchObject([
      { result: 'refused', fault: { class: 'API_ERROR', code: 'REQUEST_REFUSED' } },
    ]);
  });

  test.for([true, false])('quiet %s says whether followers hear of writes', async (quiet) => {
    const at = await rig({}, { quiet });
    await write(at, create('1', { name: 'a' }));
    expect(at.app.journal()[0]?.context['tracking_disable']).toBe(quiet ? true : undefined);
  });
});

describe('absence', () => {
  test('a record that is barred is neither shown nor missing', async () => {
    const at = await rig();
    const [a = 0, b = 0] = ['a', 'b'].map((name) => add(at, { name }));
    at.app.bar(TABLE, b);
    const answer = await odoo.readByIds?.(at.session, {
      table: TABLE,
      columns: ['name'],
      ids: [String(a), String(b), '999', 'never'],
      askedFor: '1',
    });
    expect(answer?.records.map(({ id }) => id)).toEqual([String(a)]);
    expect(answer?.missing).toEqual(['999', 'never']);
  });

  test('a model that may not be read is a fault', async () => {
    const at = await rig();
    add(at, { name: 'a' });
    at.app.deny(TABLE);
    expect(await codeOf(page(at))).toBe('PERMISSION_DENIED');
    const reading = odoo.readByIds?.(at.session, { table: TABLE, columns: ['name'], ids: ['1'], askedFor: '1' });
    expect(await codeOf(Promise.resolve(reading))).toBe('PERMISSION_DENIED');
  });

  test('archived records are rows with active false', async () => {
    const at = await rig();
    const id = add(at, { name: 'a' });
    await write(at, update('1', id, { active: false }));
    expect((await page(at, { columns: ['active'] })).records).toMatchObject([{ fields: { active: false } }]);
    expect(await read(at, id, ['active'])).toEqual({ active: false });
    await write(at, remove('2', id));
    expect(at.app.records(TABLE)).toEqual([]);
  });

  test('or count as deleted: reads leave them out, changes name them, a delete archives', async () => {
    const at = await rig({}, { archived: 'deleted' });
    const [a = 0, b = 0] = ['a', 'b'].map((name) => add(at, { name }));
    const { next } = await page(at);
    expect(await write(at, remove('1', a))).toMatchObject([{ result: 'written' }]);
    expect(at.app.records(TABLE).map(({ values }) => values['active'])).toEqual([false, true]);
    expect((await page(at)).records.map(({ id }) => id)).toEqual([String(b)]);
    expect((await changes(at, next)).gone).toEqual([String(a)]);
    expect(await read(at, a, ['name'])).toBeUndefined();
  });
});

describe('account', () => {
  test('language and companies go with every call', async () => {
    const at = await rig({}, { language: 'de_DE', companies: [2, 1] });
    for (const name of ['One', 'Two', 'Three']) at.app.edit('res.company', { op: 'create', values: { name } });
    const company = add(at, { name: 'of another', company_id: 3 });
    const own = add(at, { name: 'Chef', function: 'Boss', company_id: 2 });
    await write(at, update('1', own, { function: 'Leiter' }));
    expect(await read(at, own, ['function'])).toEqual({ function: 'Leiter' });
    expect(at.app.records(TABLE).find(({ id }) => id === own)?.values['function']).toBe('Boss');
    expect((await page(at)).records.map(({ id }) => id)).not.toContain(String(company));
  });

  test('the login is asked for once, and a secret that was revoked is an AUTH_ERROR', async () => {
    const at = await rig();
    await page(at);
    await page(at);
    expect(at.app.calls().filter((call) => call === 'jsonrpc common.authenticate')).toHaveLength(1);
    at.app.revokeSecrets();
    expect(await codeOf(page(at))).toBe('AUTH_REVOKED');
    expect(await codeOf(odoo.identify(at.session))).toBe('AUTH_REVOKED');
  });

  test('JSON-RPC without a login says what to set', async () => {
    const at = await rig({}, { login: undefined });
    expect(await codeOf(odoo.identify(at.session))).toBe('SETTINGS_INVALID');
  });

  test('JSON-2 names the same account as JSON-RPC does', async () => {
    const at = await rig();
    const other = openOdoo(at.app, { protocol: 'json_2' }, ODOO_KEY);
    closers.push(() => other.close());
    expect((await odoo.identify(other.session)).id).toBe((await odoo.identify(at.session)).id);
  });

  test('every model is discovered, computed fields only when asked for', async () => {
    const at = await rig();
    const tables = await odoo.discover(at.session);
    expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining([TABLE, 'res.country', 'x_report']));
    const named = (await odoo.discover(at.session, [TABLE]))[0];
    const listed = tables.find(({ name }) => name === TABLE);
    const facts = (table: typeof named) =>
      table?.columns.map(({ name, type, appType, writable, refersTo }) => ({
        name,
        type,
        appType,
        writable,
        refersTo,
      }));
    expect(facts(listed)).toEqual(facts(named));
    expect(named?.columns.map(({ name }) => name)).not.toContain('email_formatted');
    const computed = await rig({}, { computed_fields: true, models: [TABLE] });
    const [only, ...rest] = await odoo.discover(computed.session);
    expect(only?.columns.map(({ name }) => name)).toContain('email_formatted');
    expect(rest).toEqual([]);
  });

  test('the hosted service is asked once a second, one request at a time', () => {
    const settings = odooSettings.parse({ base_url: 'https://example.odoo.com', database: 'example' });
    expect(odoo.describe(settings).limits.rates).toMatchObject({ requestsPerSecond: 1, concurrency: 1 });
  });
});
