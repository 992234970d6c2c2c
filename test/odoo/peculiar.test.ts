import OdooAwait from 'odoo-await';
import { afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { odoo as connector } from '../../src/connectors/odoo/odoo.ts';
import { odooSettings, type OdooSettings } from '../../src/connectors/odoo/settings.ts';
import type { Fault } from '../../src/model/fault.ts';
import type { Fields } from '../../src/model/record.ts';
import { openSession, type OpenSession } from '../connectors/open-session.ts';

const odoo = inject('odoo');
if (typeof odoo === 'string') console.log(`Skipped: what a real Odoo does of its own: ${odoo}`);

describe.runIf(typeof odoo !== 'string')('what a real Odoo does of its own', () => {
  if (typeof odoo === 'string') return;
  const { url, database, tideway, person: account } = odoo;
  const person = new OdooAwait({ baseUrl: url, db: database, username: account.login, password: account.key });
  const opened: OpenSession<OdooSettings>[] = [];
  const made: number[] = [];

  const open = (settings: object = {}, secret = tideway.key) => {
    const one = openSession({
      connector,
      settings: odooSettings.parse({
        base_url: url,
        database,
        login: tideway.login,
        requests_per_second: 100,
        ...settings,
      }),
      secret,
      deadline: 30_000,
    });
    opened.push(one);
    return one.session;
  };
  const faultOf = async (work: Promise<unknown>): Promise<Fault['facts']> => {
    try {
      await work;
    } catch (error) {
      return (error as Fault).facts;
    }
    throw new Error('It did not fail.');
  };
  const page = (table: string, columns: readonly string[], session = open()) =>
    connector.readPage?.(session, {
      table,
      columns,
      mode: 'full',
      after: null,
      limit: 5,
      filter: null,
      askedFor: '1',
    }) ?? Promise.reject(new Error('no readPage'));
  const write = (...fields: readonly Fields[]) =>
    connector.writeBatch?.(open(), {
      table: 'res.partner',
      rows: fields.map((one, at) => ({ op: 'create', ref: String(at), idempotencyKey: String(at), fields: one })),
    }) ?? Promise.reject(new Error('no writeBatch'));

  beforeAll(async () => void (await person.connect()));
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()));
    const left = made.splice(0);
    if (left.length > 0) await person.delete('res.partner', left);
  });

  test('an account that may only write contacts discovers what it may see', async () => {
    const found = await connector.discover(open());
    expect(found.map(({ name }) => name)).toContain('res.partner');
    const [partners] = await connector.discover(open(), ['res.partner']);
    const names = partners?.columns.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['name', 'email', 'country_id', 'write_date']));
    // What Odoo works out at every read bumps no write date.
    expect(names).not.toContain('email_formatted');
  });

  test('what the account may not read is said to be barred, and what is not there to be missing', async () => {
    expect(await faultOf(page('ir.config_parameter', ['key']))).toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(await faultOf(page('no.model', ['name']))).toMatchObject({ code: 'TABLE_MISSING' });
    expect(await faultOf(page('res.partner', ['no_field']))).toMatchObject({ code: 'MAPPING_FIELD_MISSING' });
  });

  test('a wrong secret or login is told apart from a database that is not there', async () => {
    expect(await faultOf(connector.identify(open({}, 'wrong')))).toMatchObject({ code: 'AUTH_REVOKED' });
    expect(await faultOf(connector.identify(open({ login: 'nobody' })))).toMatchObject({ code: 'AUTH_REVOKED' });
    const absent = await faultOf(connector.identify(open({ database: 'absent' })));
    // Odoo says the same when it has lost its database for a while.
    expect(absent).toMatchObject({ code: 'SERVER_ERROR', retryable: true, uncertain: false });
    expect(absent.suggestion).toContain('the name of the database');
  });

  test('a password works as an API key does', async () => {
    const own = open({ login: account.login }, account.key);
    expect((await connector.identify(own)).title).toBe(`${account.login} in ${database}`);
  });

  test('one row that Odoo refuses makes it refuse the others, so they are sent again without it', async () => {
    const outcomes = await write({ name: 'Good' }, { name: null }, { name: 'Fine' });
    expect(outcomes).toMatchObject(Array(3).fill({ result: 'refused', wholeBatch: true, fault: { uncertain: false } }));
    const [alone] = await write({ name: null });
    expect(alone).toMatchObject({ result: 'refused', fault: { class: 'VALIDATION_ERROR', retryable: false } });
  });

  test('a reference to a record that does not exist is refused, never emptied', async () => {
    const [gone] = await write({ name: 'Lost', country_id: '99999' });
    expect(gone).toMatchObject({ result: 'refused', fault: { code: 'VALUE_REFUSED' } });
    expect(await write({ name: 'Lost', country_id: 'Germany' })).toMatchObject([
      { result: 'refused', fault: { column: 'country_id' } },
    ]);
  });
});
