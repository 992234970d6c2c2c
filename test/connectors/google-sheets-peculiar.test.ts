import { afterEach, describe, expect, test } from 'vitest';
import type { Cursor, Page } from '../../src/connectors/connector.ts';
import { googleSheets } from '../../src/connectors/google-sheets/google-sheets.ts';
import { googleSheetsSettings } from '../../src/connectors/google-sheets/settings.ts';
import { Fault, type FaultFacts } from '../../src/model/fault.ts';
import type { Fields, FieldValue } from '../../src/model/record.ts';
import type { CreateRow, DeleteRow, UpdateRow, WriteOutcome, WriteRow } from '../../src/model/write.ts';
import { startSheetsApp } from '../apps/google-sheets/sheets-app.ts';
import type { TabOptions } from '../apps/google-sheets/sheets-store.ts';
import { DOCUMENT, openSheets, SECRET, SERVICE, swift, type RigOptions, type SheetsRig } from './google-sheets-rig.ts';
import { openSession } from './open-session.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((rig) => rig.stop()));
});

const stock = (more: Partial<TabOptions> = {}): TabOptions => ({
  sheetId: 0,
  title: 'Stock list',
  rows: [
    ['SKU', 'Name', 'Count'],
    ['a', 'Chair', 1],
    ['b', 'Lamp', 2],
    ['c', 'Bed', 3],
  ],
  ...more,
});

async function open(options: Partial<RigOptions> & { key?: string } = {}): Promise<SheetsRig> {
  const { tabs: own = {}, ...settings } = (options.settings ?? {}) as { tabs?: Record<string, object> };
  const tabs = { ...own, '0': { key: options.key ?? 'SKU', ...own['0'] } };
  const rig = await openSheets({ tabs: [stock()], ...options, settings: { ...settings, tabs } });
  running.push(rig);
  return rig;
}

const page = async (
  { session }: SheetsRig,
  columns: readonly string[] = ['SKU', 'Name', 'Count'],
  more: { mode?: 'full' | 'changes'; after?: Cursor | null; limit?: number; table?: string } = {},
): Promise<Page> => {
  const { mode = 'full', after = null, limit = 100, table = '0' } = more;
  const answer = await googleSheets.readPage?.(session, {
    ...{ table, columns, mode, after, limit, filter: null, askedFor: '1' },
  });
  if (!answer) throw new Error('no readPage');
  return answer;
};
const read = async (rig: SheetsRig, ids: readonly string[], columns = ['SKU', 'Name', 'Count']) => {
  const answer = await googleSheets.readByIds?.(rig.session, { table: '0', columns, ids, askedFor: '1' });
  if (!answer) throw new Error('no readByIds');
  return answer;
};
const write = async ({ session }: SheetsRig, ...rows: readonly WriteRow[]): Promise<readonly WriteOutcome[]> =>
  (await googleSheets.writeBatch?.(session, { table: '0', rows })) ?? [];
const update = (id: string, changed: Fields): UpdateRow => ({
  ...{ op: 'update', ref: `update ${id}`, idempotencyKey: `update-${id}`, id, changed, fields: changed },
});
const create = (fields: Fields, ref = 'create'): CreateRow => ({ op: 'create', ref, idempotencyKey: ref, fields });
const remove = (id: string): DeleteRow => ({ op: 'delete', ref: `delete ${id}`, idempotencyKey: `delete-${id}`, id });
const factsOf = async (work: () => Promise<unknown>): Promise<FaultFacts> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof Fault) return error.facts;
    throw error;
  }
  throw new Error('it did not fail');
};
const byId = ({ records }: Page): Record<string, Fields> =>
  Object.fromEntries(records.map(({ id, fields }) => [id, fields]));

describe('the secret', () => {
  test('a token is kept with its expiry, and made anew when that comes', async () => {
    let time = 1_790_000_000_000;
    const rig = await open({ now: () => time });
    await page(rig);
    await page(rig);
    expect(rig.app.auth.issued()).toBe(1);
    expect(JSON.parse(rig.tokens.get('access_token') ?? '')).toMatchObject({
      expires_at: new Date(time + 3_599_000).toISOString(),
    });
    time += 3_500_000;
    await page(rig);
    expect(rig.app.auth.issued()).toBe(2);
  });

  test('a token that was withdrawn early is replaced once, without anybody noticing', async () => {
    const rig = await open();
    await page(rig);
    rig.app.auth.forgetAll();
    expect((await page(rig)).records).toHaveLength(3);
    expect(rig.app.auth.issued()).toBe(2);
  });

  test('a token made from another secret is not used', async () => {
    const rig = await open();
    await page(rig);
    const other = JSON.stringify({ ...(JSON.parse(SECRET) as object), private_key_id: 'another-key' });
    await googleSheets.identify({ ...rig.session, secret: other });
    expect(rig.app.auth.issued()).toBe(2);
  });

  test('the signed assertion goes to Google’s address, whatever the key file says', async () => {
    const rig = await open();
    expect(SECRET).toContain('elsewhere.example.com');
    await page(rig);
    expect(rig.app.requests()[0]).toBe('POST /token');
  });

  const USER = {
    client_id: 'client-1',
    client_secret: 'secret-of-client',
    refresh_token: 'refresh-1',
    email: 'ada@x.y',
  };

  test('a refresh token opens the document of a user', async () => {
    const rig = await open({ app: { user: USER }, secret: JSON.stringify(USER) });
    expect((await page(rig)).records).toHaveLength(3);
    expect(await googleSheets.identify(rig.session)).toEqual({ id: DOCUMENT, title: 'Stock' });
  });

  test.for([
    ['a service account', SECRET, /new key/],
    ['a user', JSON.stringify(USER), /consent again/],
  ] as const)('what %s lost is said with the mend', async ([, secret, mend]) => {
    const rig = await open({ app: { user: USER }, secret });
    rig.app.auth.revoked = true;
    const facts = await factsOf(() => page(rig));
    expect(facts).toMatchObject({ code: 'AUTH_REVOKED', retryable: false });
    expect(facts.suggestion).toMatch(mend);
  });

  test('a wrong clock is told from a wrong key', async () => {
    const rig = await open();
    const early = { ...rig.session, now: () => Date.now() - 7_200_000 };
    const facts = await factsOf(() => googleSheets.identify(early));
    expect(facts).toMatchObject({ code: 'AUTH_EXPIRED' });
    expect(facts.suggestion).toContain('clock');
  });

  test.for(['no JSON', '{"type": "service_account"}', '{"client_email": "a@b.c", "private_key": "no key"}'])(
    'a secret that is %s says what is expected',
    async (secret) => {
      const rig = await open({ secret });
      expect(await factsOf(() => page(rig))).toMatchObject({ code: 'SETTINGS_INVALID', retryable: false });
      expect(rig.app.requests()).toEqual([]);
    },
  );
});

describe('discovery', () => {
  const FORMATS: TabOptions = {
    sheetId: 0,
    title: 'Formats',
    rows: [
      ['About this list'],
      ['Key', 'Day', 'At', 'Share', 'Open', 'Twice', '', 'Twice', 'Loud', 'Mixed', 'Wake', 'Took'],
      [
        'k1',
        { entered: 46_000, format: { type: 'DATE' } },
        { entered: 46_000.5, format: { type: 'DATE_TIME' } },
        { entered: 0.12, format: { type: 'PERCENT' } },
        true,
        'x',
        'nameless',
        'y',
        '=UPPER(A3)',
        1,
        { entered: 0.25, format: { type: 'TIME', pattern: 'hh:mm' } },
        { entered: 1.5, format: { type: 'TIME', pattern: '[h]:mm' } },
      ],
      ['k2', null, null, null, null, null, null, null, '=UPPER(A4)', 'two'],
    ],
  };

  test('tabs by gid, columns by the configured header row, types by the formats', async () => {
    const { session } = await open({
      tabs: [FORMATS, stock({ sheetId: 912, title: 'Other' }), { sheetId: 3, title: 'Chart', sheetType: 'OBJECT' }],
      settings: { tabs: { '0': { header_row: 2, key: 'Key' } } },
      app: { omitZeros: true },
    });
    const tables = await googleSheets.discover(session);
    expect(tables.map(({ name, title }) => [name, title])).toEqual([
      ['0', 'Formats'],
      ['912', 'Other'],
    ]);
    expect(tables[0]?.columns.map(({ name, appType, writable }) => [name, appType, writable])).toEqual([
      ['Key', 'string', true],
      ['Day', 'date', true],
      ['At', 'date-time', true],
      ['Share', 'percent', true],
      ['Open', 'boolean', true],
      ['Loud', 'string', false],
      ['Mixed', 'string', true],
      ['Wake', 'time', true],
      ['Took', 'duration', true],
    ]);
    // Where people find it: of the columns with one name, and of the one without, none is offered.
    expect(tables[0]?.columns.map(({ title }) => title)).toEqual([...'ABCDEIJKL'].map((at) => `Column ${at}`));
    expect(await googleSheets.discover(session, ['912'])).toMatchObject([{ name: '912' }]);
  });

  test('without a set document, every spreadsheet that the account sees', async () => {
    const rig = await open({
      app: {
        documents: [
          { id: 'one', title: 'One', tabs: [stock()] },
          { id: 'two', title: 'Two', tabs: [stock({ title: 'Zwei' })], access: { [SERVICE.client_email]: 'viewer' } },
          { id: 'hidden', title: 'Hidden', tabs: [stock()], access: {} },
          { id: 'excel', title: 'Excel', mimeType: 'application/vnd.ms-excel', tabs: [] },
        ],
      },
      settings: { spreadsheet: undefined, tabs: { 'two:0': { key: 'SKU' } } },
    });
    const tables = await googleSheets.discover(rig.session);
    expect(tables.map(({ name, title }) => [name, title])).toEqual([
      ['one:0', 'One: Stock list'],
      ['two:0', 'Two: Zwei'],
    ]);
    expect((await page(rig, ['SKU'], { table: 'two:0' })).records).toHaveLength(3);
    expect(await googleSheets.identify(rig.session)).toEqual({
      id: `permission-of-${SERVICE.client_email}`,
      title: SERVICE.client_email,
    });
  });
});

describe('keys', () => {
  const messy = stock({
    rows: [
      ['SKU', 'Name', 'Count'],
      ['a', 'Chair', 1],
      ['b', 'Lamp', 2],
      [null, 'Nobody', 9],
      [],
      ['a', 'Another chair', 5],
      [7, 'Seven'],
    ],
  });

  test('a doubled key picks no row, and names all of them; a blank one names its row', async () => {
    const rig = await open({ tabs: [messy] });
    const { records, complete } = await page(rig);
    expect(complete).toBe(true);
    expect(records).toEqual([
      {
        id: '(row 4 without a key)',
        fields: {},
        position: 4,
        problems: [{ column: 'SKU', message: 'Row 4 of the tab "Stock list" has no key in "SKU". Fill it in.' }],
      },
      { id: '7', fields: { SKU: 7, Name: 'Seven', Count: null }, position: 7 },
      {
        id: 'a',
        fields: {},
        position: 2,
        problems: [
          {
            column: 'SKU',
            message: 'The key "a" stands in rows 2, 6 of the tab "Stock list". Give each row a key of its own.',
          },
        ],
      },
      { id: 'b', fields: { SKU: 'b', Name: 'Lamp', Count: 2 }, position: 3 },
    ]);
    const answer = await read(rig, ['a', 'b', 'z']);
    expect(answer.missing).toEqual(['z']);
    expect(answer.records.map(({ id, fields }) => [id, Object.keys(fields).length])).toEqual([
      ['a', 0],
      ['b', 3],
    ]);
  });

  test('neither an update nor a delete of a doubled key touches any row', async () => {
    const rig = await open({ tabs: [messy] });
    const before = rig.app.seen(0);
    const outcomes = await write(rig, update('a', { Name: 'Stool' }), remove('a'));
    expect(outcomes).toMatchObject([
      { result: 'refused', fault: { code: 'DUPLICATE_REMOTE' } },
      { result: 'refused', fault: { code: 'DUPLICATE_REMOTE' } },
    ]);
    expect(rig.app.seen(0)).toEqual(before);
    const found = await googleSheets.findByKey?.(rig.session, {
      ...{ table: '0', columns: ['Name'], column: 'SKU', values: ['a', '7'], askedFor: '1' },
    });
    expect(found?.records.map(({ position }) => position)).toEqual([2, 6, 7]);
  });

  test('a create whose key stands already is refused, also within its own batch', async () => {
    const rig = await open();
    const outcomes = await write(
      rig,
      create({ SKU: 'b', Name: 'x' }, '1'),
      create({ SKU: 'n', Name: 'y' }, '2'),
      create({ SKU: 'n', Name: 'z' }, '3'),
    );
    expect(outcomes).toMatchObject([
      { result: 'refused', fault: { code: 'DUPLICATE_REMOTE', column: 'SKU' } },
      { result: 'written', id: 'n', record: { position: 5 } },
      { result: 'refused', fault: { code: 'DUPLICATE_REMOTE', column: 'SKU' } },
    ]);
    expect(rig.app.seen(0)).toHaveLength(5);
  });

  test('a row made without a key gets one, and the same one when it is sent again', async () => {
    const rig = await open();
    const [first] = await write(rig, create({ Name: 'Desk' }));
    const [second] = await write(rig, create({ Name: 'Desk' }));
    if (first?.result !== 'written' || second?.result !== 'written') throw new Error('not written');
    expect(first.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(second.id).toBe(first.id);
    expect(rig.app.seen(0)).toHaveLength(5);
  });

  test('the key of a row cannot be changed', async () => {
    const rig = await open();
    expect(await write(rig, update('b', { SKU: 'x' }))).toMatchObject([
      { result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'SKU' } },
    ]);
    expect(await write(rig, update('b', { SKU: 'b', Name: 'Torch' }))).toMatchObject([{ result: 'written' }]);
    expect(rig.app.seen(0)[2]).toEqual(['b', 'Torch', '2']);
  });

  test('no column is taken for the key that was not named', async () => {
    const rig = await open({ settings: { tabs: { '0': { key: undefined } } } });
    const facts = await factsOf(() => page(rig));
    expect(facts).toMatchObject({ code: 'SETTINGS_INVALID', retryable: false });
    expect(facts.suggestion).toContain('{"tabs": {"0": {"key": "…"}}}');
    const [table] = await googleSheets.discover(rig.session);
    expect(table).toMatchObject({ capabilities: { create: false, update: false, delete: false } });
    expect(table?.columns).toHaveLength(3);
  });

  test('another column can be the key', async () => {
    const rig = await open({ settings: { tabs: { '0': { key: 'Name' } } } });
    expect((await page(rig)).records.map(({ id }) => id)).toEqual(['Bed', 'Chair', 'Lamp']);
  });
});

describe('unchanged documents', () => {
  const asks = ({ app }: SheetsRig): number => app.requests().filter((line) => line.includes('/v4/')).length;

  test('are not read while Drive shows the same version, and are when it moves', async () => {
    const rig = await open();
    const first = await page(rig);
    const asked = asks(rig);
    const unchanged = await page(rig, undefined, { mode: 'changes', after: first.next });
    expect(unchanged).toMatchObject({ records: [], complete: true, next: first.next });
    expect(asks(rig)).toBe(asked);
    rig.app.person(0).set(2, 2, 'Armchair');
    const changed = await page(rig, undefined, { mode: 'changes', after: unchanged.next });
    expect(byId(changed)['a']).toMatchObject({ Name: 'Armchair' });
    expect(asks(rig)).toBe(asked + 1);
  });

  test('are read all the same after a while: recalculated formulas may not move the version', async () => {
    let time = 1_790_000_000_000;
    const rig = await open({ now: () => time, settings: { read_anyway_after: 60_000 } });
    const { next } = await page(rig);
    time += 59_999;
    expect((await page(rig, undefined, { mode: 'changes', after: next })).records).toHaveLength(0);
    time += 1;
    expect((await page(rig, undefined, { mode: 'changes', after: next })).records).toHaveLength(3);
  });

  test('a change between the look at the version and the rows is read again, not missed', async () => {
    const rig = await open();
    rig.app.before(':getByDataFilter', () => {
      rig.app.person(0).set(2, 2, 'Armchair');
    });
    const { next } = await page(rig);
    expect((await page(rig, undefined, { mode: 'changes', after: next })).records).toHaveLength(3);
  });

  test('Drive is left alone where it may not be asked', async () => {
    const rig = await open({ settings: { skip_unchanged: false } });
    const { next } = await page(rig);
    await page(rig, undefined, { mode: 'changes', after: next });
    expect(rig.app.requests().filter((line) => line.includes('/drive/'))).toEqual([]);
    expect(googleSheets.describe(rig.session.settings).capabilities.changes).toBe('none');
  });
});

describe('cells', () => {
  test('ragged rows are filled up with nulls, blank rows are none', async () => {
    const rig = await open({
      tabs: [
        stock({ rows: [['SKU', 'Name', 'Count'], ['a'], [], ['b', null, 2], [null, null, null, 'beside'], ['c', '']] }),
      ],
    });
    expect(byId(await page(rig))).toEqual({
      a: { SKU: 'a', Name: null, Count: null },
      b: { SKU: 'b', Name: null, Count: 2 },
      c: { SKU: 'c', Name: null, Count: null },
    });
  });

  const date = (entered: number, type = 'DATE') => ({ entered, format: { type } });

  test('serial dates become dates, and instants by the document’s time zone', async () => {
    const rig = await open({
      timeZone: 'Europe/Berlin',
      key: 'K',
      tabs: [
        {
          sheetId: 0,
          title: 'Dates',
          rows: [
            ['K', 'Day', 'At', 'Wake', 'Took'],
            [
              'winter',
              date(25_569),
              date(46_037.5, 'DATE_TIME'),
              date(0.25, 'TIME'),
              { entered: 1.5, format: { type: 'TIME', pattern: '[h]:mm:ss' } },
            ],
            ['summer', date(44_809), date(44_809.2916666667, 'DATE_TIME')],
            ['late', date(46_346), date(46_346.999999988424, 'DATE_TIME')],
            // 29 March 2026, 02:30 is skipped; 25 October 2026, 02:30 comes twice.
            ['skipped', date(46_110), date(46_110.1041666667, 'DATE_TIME')],
            ['twice', date(46_320), date(46_320.1041666667, 'DATE_TIME')],
            ['typed', 46_001, 46_001.5],
          ],
        },
      ],
    });
    const rows = byId(await page(rig, ['Day', 'At', 'Wake', 'Took']));
    expect(rows['winter']).toEqual({
      Day: '1970-01-01',
      At: '2026-01-15T11:00:00.000Z',
      Wake: '06:00:00',
      Took: 'PT36H0M0S',
    });
    expect(rows['summer']).toMatchObject({ Day: '2022-09-05', At: '2022-09-05T05:00:00.000Z' });
    expect(rows['late']).toMatchObject({ At: '2026-11-20T22:59:59.999Z' });
    expect(rows['skipped']).toMatchObject({ At: '2026-03-29T01:30:00.000Z' });
    expect(rows['twice']).toMatchObject({ At: '2026-10-25T00:30:00.000Z' });
    // A number in a column that is formatted for dates is one.
    expect(rows['typed']).toMatchObject({ Day: '2025-12-10', At: '2025-12-10T11:00:00.000Z' });
  });

  test('dates are written as serials into columns of dates, also where new rows lose the format', async () => {
    const rig = await open({
      timeZone: 'America/New_York',
      key: 'K',
      app: { inheritFormats: false },
      tabs: [
        {
          sheetId: 0,
          title: 'D',
          rows: [
            ['K', 'Day', 'At', 'Text'],
            ['a', date(1), date(1, 'DATE_TIME'), 'x'],
          ],
        },
      ],
    });
    const values = { Day: '2026-07-04', At: '2026-07-04T12:00:00Z', Text: '2026-07-04' };
    const outcomes = await write(rig, update('a', values), create({ K: 'n', ...values }));
    expect(outcomes.map((outcome) => outcome.result === 'written' && outcome.record?.fields)).toEqual([
      { ...values, At: '2026-07-04T12:00:00.000Z' },
      { K: 'n', ...values, At: '2026-07-04T12:00:00.000Z' },
    ]);
    expect(rig.app.seen(0)[2]).toEqual(['n', '46207', String(46_207 + 8 / 24), '2026-07-04']);
  });

  test('declared types decide where formats do not', async () => {
    const rig = await open({
      tabs: [
        {
          sheetId: 0,
          title: 'D',
          rows: [
            ['K', 'Day', 'Code', 'Price', 'Open'],
            ['a', 46_001, 1e21, '12.50', true],
            ['b', '2025-12-10', 7, 'free', 'yes'],
            ['c', 'soon', true, 3, false],
          ],
        },
      ],
      settings: {
        tabs: { '0': { key: 'K', types: { Day: 'date', Code: 'string', Price: 'number', Open: 'boolean' } } },
      },
    });
    const { records } = await page(rig, ['Day', 'Code', 'Price', 'Open']);
    expect(records.map(({ fields }) => fields)).toEqual([
      { Day: '2025-12-10', Code: '1000000000000000000000', Price: '12.50', Open: true },
      { Day: '2025-12-10', Code: '7' },
      { Code: 'TRUE', Price: 3, Open: false },
    ]);
    expect(records.flatMap(({ problems = [] }) => problems.map(({ message }) => message))).toEqual([
      'Row 3: "free" is not a number.',
      'Row 3: "yes" is not TRUE or FALSE.',
      'Row 4: "soon" is not a date.',
    ]);
    expect(await write(rig, update('a', { Day: 'tomorrow' }))).toMatchObject([
      { result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'Day' } },
    ]);
  });

  test.for<[string, FieldValue]>([
    ['a formula', '=IMPORTXML("http://evil.example.com")'],
    ['a phone number', '+49 421 1234'],
    ['something like a date', '1/2'],
    ['leading zeros', '007'],
    ['an apostrophe', "'quoted"],
  ])('a text that looks like %s stays that text', async ([, value]) => {
    const rig = await open();
    await write(rig, update('a', { Name: value }), create({ SKU: 'n', Name: value }));
    const { records } = await read(rig, ['a', 'n']);
    expect(records.map(({ fields }) => fields['Name'])).toEqual([value, value]);
  });

  test('an error is a problem of its cell, and never its text; percentages are fractions', async () => {
    const rig = await open({
      tabs: [
        stock({
          rows: [
            ['SKU', 'Name', 'Count'],
            ['a', '=1/0', { entered: 0.12, format: { type: 'PERCENT' } }],
            ['b', '#N/A', true],
          ],
        }),
      ],
    });
    expect((await page(rig)).records).toEqual([
      {
        id: 'a',
        fields: { SKU: 'a', Count: 0.12 },
        position: 2,
        problems: [
          { column: 'Name', message: 'Row 2: The cell shows an error: Function DIVIDE parameter 2 cannot be zero.' },
        ],
      },
      { id: 'b', fields: { SKU: 'b', Name: '#N/A', Count: true }, position: 3 },
    ]);
  });

  test('cells under a merged cell are neither empty nor written', async () => {
    const merges = [{ startRowIndex: 1, endRowIndex: 3, startColumnIndex: 1, endColumnIndex: 2 }];
    const rig = await open({ tabs: [stock({ merges })] });
    const { records } = await page(rig);
    expect(records.map(({ fields }) => fields['Name'])).toEqual(['Chair', undefined, 'Bed']);
    expect(records[1]?.problems?.[0]?.message).toContain('Unmerge it');
    expect(await write(rig, update('a', { Name: 'Stool' }), update('b', { Name: 'Torch' }))).toMatchObject([
      { result: 'written' },
      { result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'Name' } },
    ]);
  });

  test('formulas are read and never overwritten, whether typed or spilled', async () => {
    const rows = [
      ['SKU', 'Name', 'Loud', 'Spilled'],
      ['a', 'Chair', '=UPPER(B2)', '=ARRAYFORMULA(UPPER(B2:B))'],
      ['b', 'Lamp', 'typed over'],
      ['c', 'Bed', '=UPPER(B4)'],
      ['d'],
    ];
    const rig = await open({ tabs: [stock({ rows })] });
    expect(byId(await page(rig, ['Loud', 'Spilled']))).toEqual({
      a: { Loud: 'CHAIR', Spilled: 'CHAIR' },
      b: { Loud: 'typed over', Spilled: 'LAMP' },
      c: { Loud: 'BED', Spilled: 'BED' },
      d: { Loud: null, Spilled: null },
    });
    const outcomes = await write(
      rig,
      update('a', { Loud: 'x' }),
      update('b', { Spilled: 'x' }),
      update('d', { Spilled: 'x' }),
      update('c', { Name: 'Bunk' }),
      create({ SKU: 'n', Spilled: 'x' }),
    );
    expect(outcomes).toMatchObject([
      { result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'Loud' } },
      { result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'Spilled' } },
      { result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'Spilled' } },
      { result: 'written' },
      { result: 'refused', fault: { code: 'VALUE_REFUSED', column: 'Spilled' } },
    ]);
    expect(rig.app.seen(0)[3]).toEqual(['c', 'Bunk', 'BUNK']);
  });
});

describe('names', () => {
  test('a renamed tab is the same table, before and between reads and writes', async () => {
    const rig = await open();
    rig.app.person(0).rename("Ada's stock!");
    expect((await page(rig)).records).toHaveLength(3);
    expect(await write(rig, update('a', { Name: 'Stool' }), create({ SKU: 'n' }))).toMatchObject([
      { result: 'written' },
      { result: 'written' },
    ]);
    rig.app.before('values:batchUpdate', () => {
      rig.app.person(0).rename('Renamed meanwhile');
    });
    expect(await write(rig, update('a', { Name: 'Seat' }))).toMatchObject([
      { result: 'retry', fault: { retryable: true, uncertain: false } },
    ]);
    expect(await write(rig, update('a', { Name: 'Seat' }))).toMatchObject([{ result: 'written' }]);
  });

  test('a renamed column stops reads and writes with the names that stand there', async () => {
    const rig = await open();
    rig.app.person(0).set(1, 2, 'Title');
    const facts = await factsOf(() => page(rig));
    expect(facts).toMatchObject({ code: 'MAPPING_FIELD_MISSING', column: 'Name', retryable: false });
    expect(facts.message).toContain('there are "SKU", "Title", "Count"');
    expect(facts.suggestion).toContain('renamed');
    expect(await write(rig, update('a', { Name: 'x' }))).toMatchObject([
      { result: 'refused', fault: { code: 'MAPPING_FIELD_MISSING', column: 'Name' } },
    ]);
  });

  test('a column that moved is found by its name', async () => {
    const rig = await open();
    rig.app.person(0).insertColumn(2, 'Note');
    await write(rig, update('a', { Name: 'Stool' }));
    expect(rig.app.seen(0)[1]).toEqual(['a', '', 'Stool', '1']);
  });

  test('two columns of one name are said, with their places', async () => {
    const rig = await open();
    rig.app.person(0).set(1, 4, 'Name');
    const { message } = await factsOf(() => page(rig));
    expect(message).toContain('stands 2 times in row 1 of the tab "Stock list" (columns B, D)');
  });
});

describe('what cannot be read is never empty', () => {
  const failing = async (rig: SheetsRig): Promise<FaultFacts> => factsOf(() => page(rig));

  test('a header that vanished, or a tab without a single cell', async () => {
    const rig = await open();
    rig.app.person(0).deleteRow(1);
    expect(await failing(rig)).toMatchObject({ code: 'MAPPING_FIELD_MISSING' });
    const blank = await open({ tabs: [stock({ rows: [] })] });
    expect((await failing(blank)).message).toContain('There are no names of columns in row 1');
  });

  test('a tab that was deleted', async () => {
    const rig = await open();
    rig.app.document().tabs.splice(0);
    expect(await failing(rig)).toMatchObject({ code: 'TABLE_MISSING', retryable: false });
  });

  const SHEET = { properties: { sheetId: 0, title: 'Stock list' } };
  test.for<[string, unknown]>([
    ['without the tab', { spreadsheetId: DOCUMENT, properties: { title: 'Stock' } }],
    ['without its cells', { spreadsheetId: DOCUMENT, properties: { title: 'Stock' }, sheets: [SHEET] }],
    [
      'of another document',
      { spreadsheetId: 'other', properties: { title: 'Stock' }, sheets: [{ ...SHEET, data: [{}] }] },
    ],
    ['that is an empty object', {}],
    [
      'with cells of another shape',
      {
        spreadsheetId: DOCUMENT,
        properties: { title: 'Stock' },
        sheets: [{ ...SHEET, data: [{ rowData: [{ values: [{ effectiveValue: { numberValue: {} } }] }] }] }],
      },
    ],
  ])('a good status %s', async ([, body]) => {
    const rig = await open();
    rig.app.fail({
      path: 'getByDataFilter',
      with: { kind: 'body', contentType: 'application/json', body: JSON.stringify(body) },
    });
    expect(['BAD_RESPONSE', 'TABLE_MISSING']).toContain((await failing(rig)).code);
  });

  test('a document in the trash, or an Excel file', async () => {
    const rig = await open();
    rig.app.document().trashed = true;
    expect(await failing(rig)).toMatchObject({ code: 'TABLE_MISSING' });
    rig.app.document().trashed = false;
    rig.app.document().mimeType = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
    expect(await failing(rig)).toMatchObject({ code: 'SETTINGS_INVALID' });
  });

  test.for([true, false])(
    'a document that is not shared names whom to share it with (asking Drive: %s)',
    async (drive) => {
      const rig = await open({
        app: { documents: [{ id: DOCUMENT, title: 'Stock', tabs: [stock()], access: {} }] },
        settings: { skip_unchanged: drive },
      });
      const facts = await failing(rig);
      expect(['PERMISSION_DENIED', 'TABLE_MISSING']).toContain(facts.code);
      expect(facts.suggestion).toContain(SERVICE.client_email);
    },
  );

  test('a document that may only be looked at refuses writes, and only them', async () => {
    const access = { [SERVICE.client_email]: 'viewer' } as const;
    const rig = await open({ app: { documents: [{ id: DOCUMENT, title: 'Stock', tabs: [stock()], access }] } });
    expect((await page(rig)).records).toHaveLength(3);
    expect(await write(rig, update('a', { Name: 'x' }))).toMatchObject([
      { result: 'refused', fault: { code: 'PERMISSION_DENIED' } },
    ]);
  });
});

describe('people at work in the sheet', () => {
  const names = ({ app }: SheetsRig): Record<string, string | undefined> =>
    Object.fromEntries(
      app
        .seen(0)
        .slice(1)
        .filter(([sku]) => sku !== '')
        .map(([sku = '', name]) => [sku, name] as const),
    );

  test('who sorts between the look and the write loses nothing, and the write arrives', async () => {
    const rig = await open();
    rig.app.before('values:batchUpdate', () => {
      rig.app.person(0).sort(1, true);
    });
    expect(await write(rig, update('a', { Name: 'Stool' }), update('b', { Name: 'Torch' }))).toMatchObject([
      { result: 'written', record: { fields: { Name: 'Stool' } } },
      { result: 'written', record: { fields: { Name: 'Torch' } } },
    ]);
    expect(names(rig)).toEqual({ a: 'Stool', b: 'Torch', c: 'Bed' });
  });

  test('who inserts a row loses nothing', async () => {
    const rig = await open();
    rig.app.before('values:batchUpdate', () => {
      rig.app.person(0).insertRow(2, ['new', 'Mirror', 8]);
    });
    const [outcome] = await write(rig, update('b', { Name: 'Torch', Count: 20 }));
    expect(outcome?.result).toBe('written');
    expect(outcome).not.toHaveProperty('harmed');
    expect(rig.app.seen(0)).toEqual([
      ['SKU', 'Name', 'Count'],
      ['new', 'Mirror', '8'],
      ['a', 'Chair', '1'],
      ['b', 'Torch', '20'],
      ['c', 'Bed', '3'],
    ]);
  });

  test('who inserts a row before a write without an answer loses nothing either', async () => {
    const rig = await open();
    rig.app.before('values:batchUpdate', () => {
      rig.app.person(0).insertRow(2, ['new', 'Mirror', 8]);
    });
    rig.app.fail({ path: 'values:batchUpdate', with: { kind: 'drop_answer' } });
    expect(await write(rig, update('b', { Name: 'Torch' }))).toMatchObject([{ result: 'uncertain' }]);
    expect(names(rig)).toEqual({ new: 'Mirror', a: 'Chair', b: 'Lamp', c: 'Bed' });
  });

  test('a row that came in between gets no stray value', async () => {
    const rig = await open();
    rig.app.before('values:batchUpdate', () => {
      rig.app.person(0).insertRow(3, []);
    });
    const [outcome] = await write(rig, update('b', { Name: 'Torch' }));
    expect(outcome).not.toHaveProperty('harmed');
    expect(rig.app.seen(0)[2]?.join('')).toBe('');
    expect(names(rig)).toEqual({ a: 'Chair', b: 'Torch', c: 'Bed' });
  });

  /** A person inserts a row, with all its values, exactly where "b" was about to be written. */
  const intrudes = ({ app }: SheetsRig, cells: readonly (string | number | null)[]): void => {
    app.before('values:batchUpdate', () => {
      app.person(0).insertRow(3, cells);
    });
  };

  test('of a row that came to stand in the very place people hear what it lost', async () => {
    const rig = await open();
    intrudes(rig, ['new', 'Mirror', 8]);
    const [outcome] = await write(rig, update('b', { Name: 'Torch' }));
    expect(outcome).toMatchObject({
      result: 'written',
      record: { fields: { Name: 'Torch' } },
      harmed: [{ id: 'new', fault: { class: 'CONFLICT', code: 'OVERWRITTEN', column: 'Name' } }],
    });
    expect(outcome?.harmed?.[0]?.fault.message).toBe(
      '"Name" (B3) of the row "new" in the tab "Stock list" was overwritten by a value for the row "b", because somebody moved cells ' +
        "at that very moment, and is empty now. The document's version history has what it held: type it again.",
    );
    expect(names(rig)).toEqual({ a: 'Chair', new: '', b: 'Torch', c: 'Bed' });
  });

  test('the same holds where the write had no answer, and where it emptied the cell', async () => {
    const lost = { harmed: [{ id: 'new', fault: { column: 'Name' } }] };
    const unanswered = await open();
    intrudes(unanswered, ['new', 'Mirror', 8]);
    unanswered.app.fail({ path: 'values:batchUpdate', with: { kind: 'drop_answer' } });
    expect(await write(unanswered, update('b', { Name: 'Torch' }))).toMatchObject([{ result: 'uncertain', ...lost }]);
    expect(names(unanswered)).toEqual({ a: 'Chair', new: '', b: 'Lamp', c: 'Bed' });
    const emptied = await open();
    intrudes(emptied, ['new', 'Mirror', 8]);
    expect(await write(emptied, update('b', { Name: null }))).toMatchObject([{ result: 'written', ...lost }]);
    expect(names(emptied)).toEqual({ a: 'Chair', new: '', b: '', c: 'Bed' });
  });

  test('who moves rows again while a value is put right loses nothing more', async () => {
    for (const [place, harmed] of [
      [2, ['new']],
      [3, ['new', 'top']],
    ] as const) {
      const rig = await open();
      intrudes(rig, ['new', 'Mirror', 8]);
      rig.app.before(`${DOCUMENT}:batchUpdate`, () => {
        rig.app.person(0).insertRow(place, ['top', 'Hook', 9]);
      });
      const [outcome] = await write(rig, update('b', { Name: 'Torch' }));
      expect(outcome?.result).toBe('written');
      expect(outcome?.harmed?.map(({ id }) => id)).toEqual(harmed);
      expect(names(rig)).toEqual({ a: 'Chair', new: '', top: place === 2 ? 'Hook' : '', b: 'Torch', c: 'Bed' });
    }
  });

  test('a row that has no key yet is named by its place', async () => {
    const rig = await open();
    intrudes(rig, [null, 'Mirror', 8]);
    expect(await write(rig, update('b', { Name: 'Torch' }))).toMatchObject([
      { result: 'written', harmed: [{ id: '(row 3 without a key)' }] },
    ]);
  });

  test('what could not be put right is told too, whosever row it is in', async () => {
    const rig = await open();
    rig.app.before('values:batchUpdate', () => {
      rig.app.person(0).sort(1, true);
    });
    rig.app.fail({ path: `${DOCUMENT}:batchUpdate`, with: { kind: 'status', status: 500 } });
    const [outcome] = await write(rig, update('a', { Name: 'Stool' }));
    expect(outcome).toMatchObject({ harmed: [{ id: 'c', fault: { code: 'OVERWRITTEN' } }] });
    expect(outcome?.harmed?.[0]?.fault.message).toContain('may show that value still');
    expect(names(rig)).toEqual({ a: 'Chair', b: 'Lamp', c: 'Stool' });
  });

  test('who inserts a column finds it as it was', async () => {
    const rig = await open();
    rig.app.before('values:batchUpdate', () => {
      rig.app.person(0).insertColumn(2, 'Note');
    });
    expect(await write(rig, update('b', { Name: 'Torch' }))).toMatchObject([{ result: 'written' }]);
    expect(rig.app.seen(0)[2]).toEqual(['b', '', 'Torch', '2']);
  });

  test.for<[Fields]>([[{ Name: 'Torch' }], [{ Name: null, Count: 20 }]])(
    'who inserts a column left of the key loses no key and no row (%o)',
    async ([change]) => {
      const rig = await open();
      rig.app.before('values:batchUpdate', () => {
        rig.app.person(0).insertColumn(1, '');
      });
      const [first, second] = await write(rig, update('b', change), update('c', change));
      for (const outcome of [first, second]) {
        expect(outcome?.result).toBe('written');
        expect(outcome).not.toHaveProperty('harmed');
      }
      const name = change['Name'] ?? '';
      const count = change['Count'] === 20 ? '20' : undefined;
      expect(rig.app.seen(0).slice(1)).toEqual([
        ['', 'a', 'Chair', '1'],
        ['', 'b', name, count ?? '2'],
        ['', 'c', name, count ?? '3'],
      ]);
    },
  );

  test('a formula that was hit gets back its formula', async () => {
    const rows = [
      ['SKU', 'Name', 'Count'],
      ['a', 'Chair', 1],
      ['b', '=UPPER(A3)', 2],
    ];
    const rig = await open({ tabs: [stock({ rows })] });
    rig.app.before('values:batchUpdate', () => {
      rig.app.person(0).sort(1, true);
    });
    await write(rig, update('a', { Name: 'Stool' }));
    expect(rig.app.document().tabs[0]?.rows[1]?.[1]).toMatchObject({ formula: true });
    expect(names(rig)['a']).toBe('Stool');
  });

  test('an edit of the same cell right after the write is theirs to keep', async () => {
    const rig = await open();
    rig.app.before('values:batchUpdate', () => {
      rig.app.before(':getByDataFilter', () => {
        rig.app.person(0).set(2, 2, 'Hers');
      });
    });
    const [outcome] = await write(rig, update('a', { Name: 'Ours' }));
    expect(outcome).toEqual({ ref: 'update a', result: 'written', id: 'a' });
    expect(names(rig)).toEqual({ a: 'Hers', b: 'Lamp', c: 'Bed' });
  });

  test('a deletion that hits another row puts it back, and takes the right one', async () => {
    const rows = [
      ['SKU', 'Name', 'Count'],
      ['a', 'Chair', { entered: 46_000, format: { type: 'DATE' } }],
      ['b', '=UPPER(A3)', true],
      ['c', '=1+1 as a text', 3],
    ];
    const rig = await open({ tabs: [stock({ rows })] });
    rig.app.before(':batchUpdate', () => {
      rig.app.person(0).insertRow(2, ['new', 'Mirror', 8]);
    });
    expect(await write(rig, remove('c'))).toMatchObject([{ result: 'written', id: 'c' }]);
    expect(names(rig)).toEqual({ new: 'Mirror', a: 'Chair', b: 'B' });
    const row = rig.app.document().tabs[0]?.rows[rig.app.person(0).find(1, 'b') - 1];
    expect(row?.[1]).toMatchObject({ formula: true });
    expect(row?.[2]).toMatchObject({ entered: true });
    expect((await page(rig)).records.map(({ id }) => id)).toEqual(['a', 'b', 'new']);
  });

  test('rows are deleted from the bottom up, in one request', async () => {
    const rig = await open();
    expect(await write(rig, remove('a'), remove('c'))).toMatchObject([{ result: 'written' }, { result: 'written' }]);
    expect(names(rig)).toEqual({ b: 'Lamp' });
    const deleted = rig.app.journal().filter(({ op }) => op === 'delete');
    expect(deleted.map(({ row }) => row)).toEqual([4, 2]);
    expect(rig.app.requests().filter((line) => line.includes(':batchUpdate'))).toHaveLength(1);
    expect(await write(rig, remove('a'))).toMatchObject([{ result: 'not_found' }]);
  });

  test('the last row that is not frozen can be deleted too', async () => {
    const rig = await open({ tabs: [stock({ rowCount: 4, frozenRowCount: 1 })] });
    const outcomes = await write(rig, remove('a'), remove('b'), remove('c'));
    expect(outcomes.map(({ result }) => result)).toEqual(['written', 'written', 'written']);
    expect(rig.app.seen(0)).toEqual([['SKU', 'Name', 'Count']]);
  });

  test('new rows go below the table, whatever stands there meanwhile', async () => {
    const rig = await open({ tabs: [stock({ rowCount: 4 })] });
    rig.app.before(':append', () => {
      rig.app.person(0).insertRow(5, ['new', 'Mirror', 8]);
    });
    await write(rig, create({ SKU: 'n', Name: 'Desk' }));
    expect(names(rig)).toEqual({ a: 'Chair', b: 'Lamp', c: 'Bed', new: 'Mirror', n: 'Desk' });
  });

  test('a new row that lands beside its columns is not believed', async () => {
    const rig = await open();
    rig.app.before(':append', () => {
      rig.app.person(0).insertColumn(1, 'First');
    });
    const [outcome] = await write(rig, create({ SKU: 'n', Name: 'Desk' }));
    expect(outcome).toMatchObject({ result: 'uncertain', fault: { code: 'UNKNOWN_OUTCOME', uncertain: true } });
  });

  test('who never stops sorting makes the write wait, and still loses nothing', async () => {
    const rig = await open();
    for (let round = 0; round < 3; round += 1) {
      rig.app.before('values:batchUpdate', () => {
        rig.app.person(0).sort(1, round % 2 === 0);
      });
    }
    expect(await write(rig, update('a', { Name: 'Stool' }))).toMatchObject([
      { result: 'retry', fault: { code: 'CONFLICT', retryable: true } },
    ]);
    expect(names(rig)).toEqual({ a: 'Chair', b: 'Lamp', c: 'Bed' });
  });

  test('a look afterwards that fails by chance is tried again, and what went astray is put right', async () => {
    const rig = await open();
    rig.app.before('values:batchUpdate', () => {
      rig.app.person(0).insertRow(2, ['new', 'Mirror', 8]);
    });
    rig.app.fail({ path: 'getByDataFilter', after: 1, count: 2, with: { kind: 'status', status: 503 } });
    expect(await write(rig, update('b', { Name: 'Torch' }))).toMatchObject([{ result: 'written' }]);
    expect(names(rig)).toEqual({ new: 'Mirror', a: 'Chair', b: 'Torch', c: 'Bed' });
  });

  test('when the look afterwards fails, the rows stay unknown', async () => {
    const rig = await open();
    rig.app.fail({ path: 'getByDataFilter', after: 1, count: 3, with: { kind: 'status', status: 503 } });
    expect(await write(rig, update('a', { Name: 'Stool' }), remove('b'))).toMatchObject([
      { result: 'uncertain', fault: { uncertain: true } },
      { result: 'retry', fault: { uncertain: false } },
    ]);
  });

  test('a protected column refuses its cells, and nothing else is written', async () => {
    const rig = await open({ tabs: [stock({ protectedColumns: [2] })] });
    expect(await write(rig, update('a', { Count: 5 }))).toMatchObject([
      { result: 'refused', fault: { code: 'PERMISSION_DENIED' } },
    ]);
    expect(await write(rig, update('a', { Name: 'Stool' }))).toMatchObject([{ result: 'written' }]);
  });
});

describe('quotas', () => {
  test('the pace is Google’s: so many requests a minute, and a rest after a refusal', () => {
    const { rates, sharedRates } = googleSheets.describe(
      googleSheetsSettings.parse({ requests_per_minute: 30 }),
    ).limits;
    for (const limit of [rates, sharedRates]) {
      expect(limit).toMatchObject({ windows: [{ requests: 30, per: 60_000 }], penalty: 10_000 });
    }
    expect(googleSheets.describe().limits.rates.windows).toEqual([{ requests: 60, per: 60_000 }]);
  });

  test('a batch of many rows costs a look, a write and a look', async () => {
    const rig = await open();
    await page(rig);
    const before = rig.app.requests().length;
    await write(rig, update('a', { Name: '1' }), update('b', { Name: '2' }), update('c', { Name: '3' }));
    expect(rig.app.requests().slice(before)).toHaveLength(3);
  });

  test('an exhausted quota is a RATE_LIMIT of reads and of writes', async () => {
    const rig = await open({ app: { readsPerMinute: 1, writesPerMinute: 0 } });
    expect(await write(rig, update('a', { Name: 'x' }))).toMatchObject([
      { result: 'retry', fault: { class: 'RATE_LIMIT', code: 'RATE_LIMITED' } },
    ]);
    expect(await factsOf(() => page(rig))).toMatchObject({ class: 'RATE_LIMIT', retryable: true });
  });

  test.for([
    ['userRateLimitExceeded', 'RATE_LIMITED'],
    ['dailyLimitExceeded', 'QUOTA_EXHAUSTED'],
    ['insufficientPermissions', 'PERMISSION_DENIED'],
  ] as const)('Drive’s 403 %s is %s', async ([reason, code]) => {
    const rig = await open();
    const body = JSON.stringify({
      error: { errors: [{ domain: 'usageLimits', reason, message: 'x' }], code: 403, message: 'x' },
    });
    rig.app.fail({ path: '/drive/', with: { kind: 'status', status: 403, body } });
    expect(await factsOf(() => page(rig))).toMatchObject({ code });
  });

  test('an API that is switched off says so', async () => {
    const rig = await open();
    const body = JSON.stringify({
      error: {
        code: 403,
        status: 'PERMISSION_DENIED',
        message: 'Google Sheets API has not been used in project 1.',
        details: [{ reason: 'SERVICE_DISABLED' }],
      },
    });
    rig.app.fail({ path: '/v4/', with: { kind: 'status', status: 403, body } });
    const facts = await factsOf(() => page(rig));
    expect(facts).toMatchObject({ code: 'SETTINGS_INVALID' });
    expect(facts.suggestion).toContain('Switch');
  });
});

test('hosts can be set one by one', async () => {
  const app = await startSheetsApp({
    service: SERVICE,
    documents: [{ id: DOCUMENT, title: 'Stock', tabs: [stock()] }],
  });
  const settings = googleSheetsSettings.parse({
    ...{ spreadsheet: DOCUMENT, sheets_url: app.url, drive_url: app.url, token_url: `${app.url}/token` },
  });
  const opened = openSession({ connector: swift, settings, secret: SECRET });
  running.push({ stop: () => opened.close() }, { stop: () => app.stop() });
  expect(swift.origins(settings)).toEqual([app.url]);
  expect(await swift.identify(opened.session)).toEqual({ id: DOCUMENT, title: 'Stock' });
  expect(swift.origins(googleSheetsSettings.parse({}))).toEqual([
    'https://sheets.googleapis.com',
    'https://www.googleapis.com',
    'https://oauth2.googleapis.com',
  ]);
});
