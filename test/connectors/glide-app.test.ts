import { withConfig } from '@glideapps/tables';
import { afterEach, expect, test } from 'vitest';
import type { Cursor } from '../../src/connectors/connector.ts';
import { glide } from '../../src/connectors/glide/glide.ts';
import { glideSettings } from '../../src/connectors/glide/settings.ts';
import type { WriteRow } from '../../src/model/write.ts';
import { startGlideApp, type GlideApp, type GlideAppOptions } from '../apps/glide/glide-app.ts';
import { openSession } from './open-session.ts';

const TOKEN = '11111111-2222-4333-8444-555555555555';
const APP = { id: 'mT91fPcZCWigkZXgSZGJ', name: 'Shop' };
const TABLE = {
  id: 'native-table-1c5a',
  name: 'Things',
  big: true,
  columns: [
    { id: 'Name', kind: 'string' },
    { id: 'yPXU2', name: 'Stock', kind: 'number' },
    { id: 'when', kind: 'date-time' },
    { id: 'born', kind: 'date' },
    { id: 'photo', name: 'Photo', kind: 'image-uri' },
    { id: 'mail', kind: 'email-address' },
  ],
} as const;
const PLAIN_TABLE = { ...TABLE, id: 'native-table-plain', name: 'Ordinary', big: false };
const COLUMNS = ['$rowID', 'Name', 'yPXU2', 'when', 'born'];

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function begin(own: Readonly<Record<string, unknown>> = {}, behaviour: Partial<GlideAppOptions> = {}) {
  const app = await startGlideApp({ token: TOKEN, app: APP, tables: [TABLE, PLAIN_TABLE], ...behaviour });
  open.push(() => app.stop());
  const settings = glideSettings.parse({ app_id: APP.id, base_url: app.url, requests_per_second: 50, ...own });
  const { session, close } = openSession({ connector: glide, settings, secret: TOKEN });
  open.push(close);
  const write = async (...rows: readonly WriteRow[]) =>
    (await glide.writeBatch?.(session, { table: TABLE.id, rows })) ?? [];
  const read = async (mode: 'full' | 'changes' = 'full', after: Cursor | null = null, table: string = TABLE.id) => {
    const request = { table, columns: COLUMNS, mode, after, limit: 10_000, filter: null, askedFor: '1' };
    const page = await glide.readPage?.(session, request);
    if (page === undefined) throw new Error('no readPage');
    return page;
  };
  return { app, session, write, read };
}

const add = (number: number, fields: Record<string, string | number | null> = {}): WriteRow => ({
  op: 'create',
  ref: `c${String(number)}`,
  idempotencyKey: `k${String(number)}`,
  fields: { Name: `thing ${String(number)}`, ...fields },
});
const set = (id: string, changed: Record<string, string | number | null>, expectedVersion?: string): WriteRow => ({
  op: 'update',
  ref: `u${id}`,
  idempotencyKey: `u${id}`,
  id,
  changed,
  fields: changed,
  ...(expectedVersion === undefined ? {} : { expectedVersion }),
});
const lines = (app: GlideApp): string[] => app.requests().map(({ line }) => line);

test('the official client lists, adds, reads, changes, empties, searches and deletes', async () => {
  const { app } = await begin();
  const client = withConfig({
    token: TOKEN,
    endpoint: `${app.url}/api/function`,
    endpointREST: `${app.url}/api`,
  });
  expect((await client.getApps())?.map(({ id, name }) => ({ id, name }))).toEqual([APP]);
  expect((await client.app(APP.id).getTables())?.map(({ id }) => id)).toEqual([TABLE.id, PLAIN_TABLE.id]);
  const columns = { name: { type: 'string', name: 'Name' }, stock: { type: 'number', name: 'yPXU2' } } as const;
  const things = client.table({ app: APP.id, table: TABLE.id, columns });
  expect((await things.getSchema()).data.columns[1]).toEqual({ id: 'yPXU2', name: 'Stock', type: { kind: 'number' } });
  const ids = await things.add([
    { name: 'chair', stock: 4 },
    { name: 'lamp', stock: 9 },
  ]);
  expect(ids.every((id) => /^[\w.-]{22}$/.test(id))).toBe(true);
  const [first = '', second = ''] = ids;
  await things.update(first, { stock: null });
  expect((await things.get()).find(({ $rowID }) => $rowID === first)?.stock).toBeUndefined();
  const found = await things.get((query) => query.where('stock', '>', 5).orderBy('name'));
  expect(found.map(({ name }) => name)).toEqual(['lamp']);
  await things.delete(second);
  expect((await things.get()).map(({ name }) => name)).toEqual(['chair']);
});

test('settings say what is missing, in words', () => {
  const refusal = glideSettings.safeParse({}).error?.issues[0];
  expect(refusal).toMatchObject({ path: ['app_id'], message: expect.stringContaining('Show API') as string });
  expect(glideSettings.safeParse({ mode: 'v2' }).success).toBe(true);
});

test('each mode goes to its own hosts', () => {
  expect(glide.origins(glideSettings.parse({ app_id: 'a' }))).toEqual([
    'https://api.glideapp.io',
    'https://functions.prod.internal.glideapps.com',
  ]);
  expect(glide.origins(glideSettings.parse({ mode: 'v2' }))).toEqual([
    'https://api.glideapps.com',
    'https://functions.prod.internal.glideapps.com',
  ]);
});

test('the test of the connection names the app, or the apps that there are', async () => {
  const { session } = await begin();
  expect(await glide.identify(session)).toEqual({ id: APP.id, title: 'Shop' });
  const other = await begin({ app_id: 'another' });
  await expect(glide.identify(other.session)).rejects.toMatchObject({
    facts: { code: 'SETTINGS_INVALID', suggestion: expect.stringContaining(APP.id) as string },
  });
});

test('tables and columns are found by id, with their titles and types', async () => {
  const { session } = await begin();
  const [table] = await glide.discover(session, [TABLE.id]);
  expect(table).toMatchObject({ name: TABLE.id, title: 'Things' });
  expect(table?.columns.map(({ name, type, appType, writable }) => [name, type, appType, writable])).toEqual([
    ['$rowID', 'string', 'row-id', false],
    ['Name', 'string', 'string', true],
    ['yPXU2', 'number', 'number', true],
    ['when', 'date-time', 'date-time', true],
    ['born', 'date', 'date', true],
    ['photo', 'image-uri', 'image-uri', true],
    ['mail', 'email-address', 'email-address', true],
  ]);
  expect(table?.columns[2]?.title).toBe('Stock');
  const team = await begin({ mode: 'v2', app_id: undefined });
  team.app.edit(TABLE.id, { op: 'create', id: 'r1', cells: { Name: 'x', yPXU2: 1 } });
  const found = await glide.discover(team.session);
  // Ordinary tables are not there, and columns are guessed from rows.
  expect(found.map(({ name, columns }) => [name, columns.map(({ type }) => type)])).toEqual([
    [TABLE.id, ['string', 'string', 'number']],
  ]);
});

test('five hundred mutations are one request, and one more is refused by the app', async () => {
  const { app, write } = await begin();
  const rows = Array.from({ length: 501 }, (_, number) => add(number));
  const outcomes = await write(...rows.slice(0, 500));
  expect(outcomes.every(({ result }) => result === 'written')).toBe(true);
  expect(lines(app)).toEqual(['POST /api/function/mutateTables']);
  expect(glide.describe().limits.rowsPerWrite).toBe(500);
  expect((await write(...rows))[0]).toMatchObject({ fault: { code: 'PAYLOAD_TOO_LARGE' }, wholeBatch: true });
});

test('a call that failed in part says nothing of the mutations without an error', async () => {
  const { write } = await begin({}, { partialStatus: 400 });
  const outcomes = await write(add(1), add(2, { yPXU2: 'many' }), add(3));
  expect(outcomes.map(({ result }) => result)).toEqual(['uncertain', 'refused', 'uncertain']);
  expect(outcomes[1]).toMatchObject({ fault: { code: 'VALUE_REFUSED', column: 'yPXU2' } });
});

test('a Row ID is read but never written, and an empty cell is cleared by an empty text', async () => {
  const { app, write, read } = await begin();
  await write(add(1, { $rowID: 'mine', yPXU2: null }));
  const [record] = (await read()).records;
  expect(record?.fields['$rowID']).toBe(record?.id);
  await write(set(record?.id ?? '', { $rowID: 'mine', Name: null }));
  expect(app.journal().map(({ cells }) => cells)).toEqual([{ Name: 'thing 1' }, { Name: '' }]);
  expect((await read()).records[0]?.fields['Name']).toBeNull();
});

test('an update of nothing is no request', async () => {
  const { app, write } = await begin();
  expect(await write(set('r1', { $rowID: 'r1' }))).toEqual([{ ref: 'ur1', result: 'written', id: 'r1' }]);
  expect(app.requests()).toEqual([]);
});

test('times without a zone are UTC and dates are dates, but only in columns of these types', async () => {
  const { app, read } = await begin();
  const cells = { Name: '2026-03-01T10:00:00', when: '2026-03-01T10:00:00', born: '1999-12-31T00:00:00.000Z' };
  app.edit(TABLE.id, { op: 'create', id: 'r1', cells });
  expect((await read()).records[0]?.fields).toMatchObject({
    Name: '2026-03-01T10:00:00',
    when: '2026-03-01T10:00:00Z',
    born: '1999-12-31',
  });
});

test('a row is missing only when two reads of several pages agree', async () => {
  const { app, session } = await begin({}, { pageSize: 1 });
  for (const id of ['r1', 'r2']) app.edit(TABLE.id, { op: 'create', id, cells: { Name: id } });
  const request = { table: TABLE.id, columns: COLUMNS, ids: ['r1', 'r9'], askedFor: '1' };
  expect(await glide.readByIds?.(session, request)).toMatchObject({ records: [{ id: 'r1' }], missing: ['r9'] });
  expect(app.requests()).toHaveLength(4);
});

test('a Big Table that is named is asked by SQL with parameters', async () => {
  const { app, session } = await begin({ big_tables: [TABLE.id] });
  app.edit(TABLE.id, { op: 'create', id: 'r.1', cells: { Name: 'O\'Hara "x"' } });
  const request = { table: TABLE.id, columns: COLUMNS, column: 'Name', values: ['O\'Hara "x"'], askedFor: '1' };
  expect((await glide.findByKey?.(session, request))?.records.map(({ id }) => id)).toEqual(['r.1']);
  expect(app.requests()[0]?.body).toMatchObject({
    queries: [{ sql: `SELECT * FROM "${TABLE.id}" WHERE "Name" = $1`, params: ['O\'Hara "x"'] }],
  });
});

test('a plan without reading says what to do', async () => {
  const { read } = await begin({}, { noReading: true });
  await expect(read()).rejects.toMatchObject({
    facts: { code: 'QUOTA_EXHAUSTED', suggestion: expect.stringContaining('plan') as string },
  });
});

test('saving quota is slower, and verifies many writes by one read', () => {
  const [usual, saving] = [false, true].map((save) => {
    const { limits, timing } = glide.describe(glideSettings.parse({ app_id: 'a', save_quota: save }));
    return { pace: limits.rates.requestsPerSecond, visible: timing.writeVisibleAfter };
  });
  expect(usual).toEqual({ pace: 2, visible: 60_000 });
  expect(saving).toEqual({ pace: 0.2, visible: 600_000 });
});

test('v2 reads no row while the table’s version stands still', async () => {
  const { app, read, write } = await begin({ mode: 'v2' });
  await write(add(1));
  const first = await read();
  const before = app.requests().length;
  const second = await read('changes', first.next);
  expect(second).toMatchObject({ records: [], complete: true });
  expect(lines(app).slice(before)).toEqual([`HEAD /tables/${TABLE.id}/rows`]);
  await write(add(2));
  expect((await read('changes', second.next)).records).toHaveLength(2);
});

test('v2 finds a change that was made while the pages were read', async () => {
  const { app, read } = await begin({ mode: 'v2' }, { pageSize: 1 });
  for (const id of ['r1', 'r2']) app.edit(TABLE.id, { op: 'create', id, cells: { Name: id } });
  const first = await read();
  app.edit(TABLE.id, { op: 'update', id: 'r1', cells: { Name: 'later' } });
  const second = await read('full', first.next);
  expect(second.complete).toBe(true);
  expect((await read('changes', second.next)).records[0]?.fields['Name']).toBe('later');
});

test('v2 sends many new rows through a stash, the same one again after a failure', async () => {
  const { app, write } = await begin({ mode: 'v2', stash_above: 2 });
  const rows = [1, 2, 3, 4, 5].map((number) => add(number));
  app.fail({ method: 'POST', with: { kind: 'status', status: 429, headers: { 'retry-after': '0.01' } } });
  expect((await write(...rows)).map(({ result }) => result)).toEqual(Array(5).fill('retry'));
  expect((await write(...rows)).map(({ result }) => result)).toEqual(Array(5).fill('written'));
  const puts = lines(app).filter((line) => line.startsWith('PUT'));
  expect(puts).toHaveLength(6);
  expect(puts.slice(3)).toEqual(puts.slice(0, 3));
  expect(app.rows(TABLE.id).map(({ cells }) => cells['Name'])).toEqual(
    rows.map((_, index) => `thing ${String(index + 1)}`),
  );
});

test('v2 changes a row only at the version that was read, and lets other rows move', async () => {
  const { app, read, write } = await begin({ mode: 'v2' });
  for (const id of ['r1', 'r2']) app.edit(TABLE.id, { op: 'create', id, cells: { Name: id } });
  const { version } = (await read()).records[0] ?? {};
  app.edit(TABLE.id, { op: 'update', id: 'r2', cells: { Name: 'moved' } });
  expect(await write(set('r1', { Name: 'mine' }, version))).toMatchObject([{ result: 'written' }]);
  expect(await write(set('r2', { Name: 'mine' }, version))).toMatchObject([{ result: 'conflict' }]);
  expect(app.rows(TABLE.id).map(({ cells }) => cells['Name'])).toEqual(['mine', 'moved']);
});

test('v2 says of an ordinary table that it needs the other mode', async () => {
  const { read } = await begin({ mode: 'v2' });
  await expect(read('full', null, PLAIN_TABLE.id)).rejects.toMatchObject({
    facts: { code: 'TABLE_MISSING', suggestion: expect.stringContaining('classic') as string },
  });
});
