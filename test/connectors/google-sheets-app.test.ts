import { drive } from '@googleapis/drive';
import { auth as clientAuth, sheets } from '@googleapis/sheets';
import { afterEach, describe, expect, test } from 'vitest';
import { startSheetsApp, type SheetsApp, type SheetsAppOptions } from '../apps/google-sheets/sheets-app.ts';
import { SECRET, SERVICE } from './google-sheets-rig.ts';

const running: SheetsApp[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.stop()));
});

/** Google's own clients against the stand-in: what they cannot read, or are refused, our connector never proves. */
async function start(options: Partial<SheetsAppOptions> = {}) {
  const app = await startSheetsApp({
    service: SERVICE,
    documents: [
      {
        id: 'doc',
        title: 'Book',
        timeZone: 'Europe/Berlin',
        tabs: [
          {
            sheetId: 0,
            title: 'My tab',
            rows: [['id', 'name', 'share'], [1, 'Ada', '=1/0'], [], ['3', null, true]],
            frozenRowCount: 1,
          },
        ],
      },
    ],
    ...options,
  });
  running.push(app);
  const authorisation = new clientAuth.OAuth2();
  authorisation.setCredentials({ access_token: app.auth.grant('ada@example.com') });
  const common = { auth: authorisation, rootUrl: `${app.url}/`, retry: false } as const;
  const { spreadsheets } = sheets({ version: 'v4', ...common });
  return { app, spreadsheets, files: drive({ version: 'v3', ...common }).files };
}

interface Said {
  readonly code: number;
  readonly message: string;
}

const refusalOf = async (work: Promise<unknown>): Promise<Said> =>
  work.then(
    () => {
      throw new Error('it was not refused');
    },
    (error: unknown) => {
      const { response } = error as { response: { status: number; data: { error: { message: string } } } };
      return { code: response.status, message: response.data.error.message };
    },
  );

test('a service account’s client gets its token from the stand-in', async () => {
  const { app } = await start();
  const { client_email: email, private_key: key } = JSON.parse(SECRET) as Record<string, string>;
  const jwt = new clientAuth.JWT({
    ...{ email: email ?? '', key: key ?? '', scopes: ['https://www.googleapis.com/auth/spreadsheets'] },
  });
  const { transporter } = jwt;
  const request = transporter.request.bind(transporter);
  // The client knows one address for tokens only.
  Object.assign(transporter, {
    request: (options: { url?: string | URL }) =>
      request({
        ...options,
        url: String(options.url).replace(/^https:\/\/[^/]*googleapis\.com(\/oauth2\/v4)?\/token/, `${app.url}/token`),
      }),
  });
  const client = sheets({ version: 'v4', auth: jwt, rootUrl: `${app.url}/` });
  const { data } = await client.spreadsheets.get({ spreadsheetId: 'doc' });
  expect(data.properties?.title).toBe('Book');
  expect(app.auth.issued()).toBe(2);
});

test('reads: tabs, ragged values, renderings, grids by mask', async () => {
  const { spreadsheets } = await start();
  const { data: book } = await spreadsheets.get({ spreadsheetId: 'doc' });
  expect(book.properties).toMatchObject({ title: 'Book', locale: 'en_US', timeZone: 'Europe/Berlin' });
  expect(book.sheets?.[0]?.properties).toMatchObject({
    ...{ sheetId: 0, title: 'My tab', index: 0, sheetType: 'GRID' },
    gridProperties: { rowCount: 1000, columnCount: 26, frozenRowCount: 1 },
  });
  const values = async (range: string, valueRenderOption: string) =>
    (await spreadsheets.values.get({ spreadsheetId: 'doc', range, valueRenderOption })).data;
  expect(await values("'My tab'!A1:C9", 'UNFORMATTED_VALUE')).toEqual({
    range: "'My tab'!A1:C9",
    majorDimension: 'ROWS',
    values: [['id', 'name', 'share'], [1, 'Ada', '#DIV/0!'], [], ['3', '', true]],
  });
  expect((await values("'My tab'!C2:C4", 'FORMULA')).values).toEqual([['=1/0'], [], [true]]);
  expect((await values("'My tab'!C4", 'FORMATTED_VALUE')).values).toEqual([['TRUE']]);
  expect(await values('A5:B6', 'FORMULA')).not.toHaveProperty('values');
  const { data: both } = await spreadsheets.values.batchGet({ spreadsheetId: 'doc', ranges: ["'My tab'!A2", 'B2'] });
  expect(both.valueRanges?.map(({ values: cells }) => cells)).toEqual([[['1']], [['Ada']]]);
  const { data: grid } = await spreadsheets.getByDataFilter({
    ...{ spreadsheetId: 'doc', fields: 'sheets(properties/sheetId,data(startRow,rowData(values(effectiveValue))))' },
    requestBody: {
      includeGridData: true,
      dataFilters: [{ gridRange: { sheetId: 0, startRowIndex: 1, endRowIndex: 2 } }],
    },
  });
  expect(grid).toEqual({
    sheets: [
      {
        properties: { sheetId: 0 },
        data: [
          {
            startRow: 1,
            rowData: [
              {
                values: [
                  { effectiveValue: { numberValue: 1 } },
                  { effectiveValue: { stringValue: 'Ada' } },
                  {
                    effectiveValue: {
                      errorValue: { type: 'DIVIDE_BY_ZERO', message: 'Function DIVIDE parameter 2 cannot be zero.' },
                    },
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
  });
});

test('writes: RAW and typed, null and empty, append, clear', async () => {
  const { app, spreadsheets } = await start();
  const range = "'My tab'!A2:C2";
  const { data } = await spreadsheets.values.update({
    ...{ spreadsheetId: 'doc', range, valueInputOption: 'RAW', requestBody: { values: [[null, '', '=1+1']] } },
  });
  expect(data).toMatchObject({ spreadsheetId: 'doc', updatedRange: range, updatedRows: 1, updatedColumns: 3 });
  expect(app.seen(0)[1]).toEqual(['1', '', '=1+1']);
  await spreadsheets.values.batchUpdate({
    spreadsheetId: 'doc',
    requestBody: { valueInputOption: 'USER_ENTERED', data: [{ range: 'B2', values: [['007']] }] },
  });
  expect(app.seen(0)[1]?.[1]).toBe('7');
  // The blank row ends the block that append takes for the table.
  const { data: appended } = await spreadsheets.values.append({
    ...{ spreadsheetId: 'doc', range: 'A1:C1', valueInputOption: 'RAW', insertDataOption: 'INSERT_ROWS' },
    requestBody: { values: [['n', null, true]] },
  });
  expect(appended).toMatchObject({ tableRange: "'My tab'!A1:C2", updates: { updatedRange: "'My tab'!A3:C3" } });
  expect(app.seen(0)[2]).toEqual(['n', '', 'true']);
  await spreadsheets.values.clear({ spreadsheetId: 'doc', range: 'A3:C3' });
  expect(app.seen(0)[2]?.join('')).toBe('');
});

test('structure: all requests or none, from top to bottom', async () => {
  const { app, spreadsheets } = await start();
  const rows = (startIndex: number) => ({
    range: { sheetId: 0, dimension: 'ROWS', startIndex, endIndex: startIndex + 1 },
  });
  const before = app.seen(0);
  const said = await refusalOf(
    spreadsheets.batchUpdate({
      spreadsheetId: 'doc',
      requestBody: { requests: [{ deleteDimension: rows(1) }, { deleteDimension: rows(5000) }] },
    }),
  );
  expect(said.message).toMatch(/^Invalid requests\[1\]\.deleteDimension: /);
  expect(app.seen(0)).toEqual(before);
  expect(app.journal()).toEqual([]);
  const { data } = await spreadsheets.batchUpdate({
    spreadsheetId: 'doc',
    requestBody: {
      requests: [
        { deleteDimension: rows(3) },
        { insertDimension: { ...rows(1), inheritFromBefore: false } },
        {
          updateCells: {
            start: { sheetId: 0, rowIndex: 1, columnIndex: 0 },
            rows: [{ values: [{ userEnteredValue: { stringValue: 'x' } }] }],
            fields: 'userEnteredValue',
          },
        },
        { addSheet: { properties: { title: 'Second' } } },
      ],
    },
  });
  expect(data.replies).toMatchObject([{}, {}, {}, { addSheet: { properties: { title: 'Second', sheetId: 1 } } }]);
  expect(app.seen(0).map(([first]) => first)).toEqual(['id', 'x', '1']);
});

test('Drive: the version moves with every change, files are listed in pages', async () => {
  const { app, files } = await start();
  const fields = 'id,name,mimeType,modifiedTime,version,trashed';
  const first = (await files.get({ fileId: 'doc', fields, supportsAllDrives: true })).data;
  expect(first).toMatchObject({ id: 'doc', name: 'Book', trashed: false });
  app.person(0).set(2, 2, 'Grace');
  const { data: later } = await files.get({ fileId: 'doc', fields });
  expect(Number(later.version)).toBeGreaterThan(Number(first.version));
  const { data: list } = await files.list({ pageSize: 1, fields: 'nextPageToken,files(id)' });
  expect(list).toEqual({ files: [{ id: 'doc' }] });
  expect(await refusalOf(files.get({ fileId: 'other' }))).toEqual({ code: 404, message: 'File not found: other.' });
});

describe('refuses', () => {
  type Client = Awaited<ReturnType<typeof start>>['spreadsheets'];
  const put = (client: Client, range: string, values: unknown[][], valueInputOption?: string) =>
    client.values.update({
      ...{ spreadsheetId: 'doc', range, requestBody: { values } },
      ...(valueInputOption === undefined ? {} : { valueInputOption }),
    });

  test.for<[string, (client: Client) => Promise<unknown>, number, string]>([
    ['an unknown document', (client) => client.get({ spreadsheetId: 'x' }), 404, 'Requested entity was not found.'],
    [
      'an unknown tab',
      (client) => client.values.get({ spreadsheetId: 'doc', range: 'Gone!A1' }),
      400,
      'Unable to parse range: Gone!A1',
    ],
    [
      'a place beyond the grid',
      (client) => client.values.get({ spreadsheetId: 'doc', range: 'A1001:B1002' }),
      400,
      'Range (A1001:B1002) exceeds grid limits. Max rows: 1000, max columns: 26',
    ],
    [
      'no input option',
      (client) => put(client, 'A1', [['x']]),
      400,
      "'valueInputOption' is required but not specified",
    ],
    [
      'more rows than the range has',
      (client) => put(client, 'A11:B11', [['x'], ['y']], 'RAW'),
      400,
      'Requested writing within range [A11:B11], but tried writing to row [12]',
    ],
    [
      'a text that is too long',
      (client) => put(client, 'A1', [['x'.repeat(50_001)]], 'RAW'),
      400,
      'Your input contains more than the maximum of 50000 characters in a single cell.',
    ],
    ['a list in a cell', (client) => put(client, 'A1', [[['x']]], 'RAW'), 400, 'Invalid values[0][0]: struct_value'],
    [
      'a gid that no tab has',
      (client) =>
        client.getByDataFilter({ spreadsheetId: 'doc', requestBody: { dataFilters: [{ gridRange: { sheetId: 5 } }] } }),
      400,
      'No grid with id: 5',
    ],
    [
      'a field that no answer has',
      (client) => client.get({ spreadsheetId: 'doc', fields: 'sheets.colour' }),
      400,
      'Request contains an invalid argument: Invalid field selection colour',
    ],
    [
      'to delete all rows',
      (client) =>
        client.batchUpdate({
          spreadsheetId: 'doc',
          requestBody: {
            requests: [
              { deleteDimension: { range: { sheetId: 0, dimension: 'ROWS', startIndex: 1, endIndex: 1000 } } },
            ],
          },
        }),
      400,
      'Invalid requests[0].deleteDimension: Sorry, it is not possible to delete all non-frozen rows.',
    ],
  ])('%s', async ([, ask, code, message]) => {
    const { spreadsheets } = await start();
    expect(await refusalOf(ask(spreadsheets))).toEqual({ code, message });
  });

  test('more than its quota of reads and of writes a minute, each for itself', async () => {
    let time = 1_790_000_000_000;
    const { spreadsheets } = await start({ readsPerMinute: 2, writesPerMinute: 1, now: () => time });
    const get = () => spreadsheets.get({ spreadsheetId: 'doc' });
    await get();
    await get();
    expect(await refusalOf(get())).toMatchObject({
      code: 429,
      message: expect.stringContaining("'Read requests'") as string,
    });
    await put(spreadsheets, 'A9', [['x']], 'RAW');
    expect(await refusalOf(put(spreadsheets, 'A9', [['y']], 'RAW'))).toMatchObject({ code: 429 });
    time += 60_000;
    await get();
  });

  test('a token that is unknown, has run out, or lacks the scope', async () => {
    let time = 1_790_000_000_000;
    const { app } = await start({ now: () => time, tokenLife: 60 });
    const ask = (token: string) => {
      const authorisation = new clientAuth.OAuth2();
      authorisation.setCredentials({ access_token: token });
      const client = sheets({ version: 'v4', auth: authorisation, rootUrl: `${app.url}/`, retry: false });
      return client.spreadsheets.values.clear({ spreadsheetId: 'doc', range: 'A1' });
    };
    const token = app.auth.grant('ada@example.com');
    expect((await refusalOf(ask('unknown'))).code).toBe(401);
    await ask(token);
    time += 60_000;
    expect((await refusalOf(ask(token))).code).toBe(401);
    const reader = app.auth.grant('ada@example.com', ['https://www.googleapis.com/auth/spreadsheets.readonly']);
    expect(await refusalOf(ask(reader))).toEqual({
      code: 403,
      message: 'Request had insufficient authentication scopes.',
    });
  });
});
