import { z } from 'zod';
import { Fault, type FaultCode } from '../../model/fault.ts';
import type { HttpAnswer, HttpRequest } from '../../runtime/http-client.ts';
import type { Session } from '../connector.ts';
import { accessToken, readSecret } from './access-token.ts';
import { placesOf, type GoogleSheetsSettings } from './settings.ts';

const MAX_BYTES = 256 * 1024 * 1024;
const DEADLINE = 170_000;
const SPREADSHEET = 'application/vnd.google-apps.spreadsheet';

const gridRange = z.object({
  startRowIndex: z.int().default(0),
  endRowIndex: z.int().default(Number.MAX_SAFE_INTEGER),
  startColumnIndex: z.int().default(0),
  endColumnIndex: z.int().default(Number.MAX_SAFE_INTEGER),
});

/** JSON writers that leave zeros out say nothing of the first tab's id. */
const tab = z.object({
  properties: z.object({
    sheetId: z.int().default(0),
    title: z.string(),
    sheetType: z.string().default('GRID'),
    gridProperties: z
      .object({ rowCount: z.int().default(0), columnCount: z.int().default(0), frozenRowCount: z.int().default(0) })
      .default({ rowCount: 0, columnCount: 0, frozenRowCount: 0 }),
  }),
  merges: z.array(gridRange).default([]),
  data: z
    .array(
      z.object({
        startRow: z.int().default(0),
        startColumn: z.int().default(0),
        // Cells are many: whoever reads them checks them.
        rowData: z.array(z.object({ values: z.array(z.unknown()).default([]) })).default([]),
      }),
    )
    .optional(),
});

const spreadsheet = z.object({
  spreadsheetId: z.string(),
  properties: z.object({ title: z.string(), timeZone: z.string().default('Etc/GMT') }),
  sheets: z.array(tab).default([]),
});

const file = z.object({
  id: z.string(),
  name: z.string().default(''),
  mimeType: z.string().default(SPREADSHEET),
  version: z.coerce.string(),
  trashed: z.boolean().default(false),
});

const answers = {
  spreadsheet,
  file,
  files: z.object({ nextPageToken: z.string().optional(), files: z.array(z.object({ id: z.string() })) }),
  about: z.object({ user: z.object({ permissionId: z.string(), emailAddress: z.string().optional() }) }),
  values: z.object({ spreadsheetId: z.string(), responses: z.array(z.unknown()) }),
  appended: z.object({ spreadsheetId: z.string(), updates: z.object({ updatedRange: z.string() }) }),
  batch: z.object({ spreadsheetId: z.string(), replies: z.array(z.unknown()) }),
};

export type Spreadsheet = z.infer<typeof spreadsheet>;
export type Tab = z.infer<typeof tab>;

interface Filter {
  readonly gid: number;
  readonly startRow: number;
  readonly endRow?: number;
}

/** Google's requests, one method each, with answers that were checked. */
export interface SheetsClient {
  /** Ids of all documents that the account sees. */
  spreadsheets(): Promise<readonly string[]>;
  account(): Promise<{ readonly id: string; readonly title: string }>;
  file(id: string): Promise<z.infer<typeof file>>;
  tabs(id: string): Promise<Spreadsheet>;
  /** The cells of tabs by gid, from a row on: one request and so one moment, whatever the tabs are called by now. */
  cells(id: string, filters: readonly Filter[]): Promise<Spreadsheet>;
  writeValues(id: string, data: readonly { range: string; values: readonly unknown[][] }[]): Promise<void>;
  append(id: string, range: string, values: readonly unknown[][]): Promise<string>;
  batchUpdate(id: string, requests: readonly unknown[]): Promise<void>;
}

export function createSheetsClient(session: Session<GoogleSheetsSettings>): SheetsClient {
  const { settings, http } = session;
  const { sheets, drive } = placesOf(settings);

  const ask = async <Schema extends z.ZodType>(
    schema: Schema,
    request: Omit<HttpRequest, 'headers'>,
  ): Promise<z.infer<Schema>> => {
    const send = async (token: string): Promise<HttpAnswer> =>
      http.send({ maxBytes: MAX_BYTES, ...request, headers: { authorization: `Bearer ${token}` } });
    const token = await accessToken(session);
    let answer = await send(token);
    // A token can be withdrawn before its time; a request that was refused for it did nothing.
    if (answer.status === 401) answer = await send(await accessToken(session, token));
    if (answer.status >= 300) throw refused(answer, session);
    const parsed = schema.safeParse(answer.json());
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    throw answer.fault(`the answer has an unexpected shape at "${where}"`, { code: 'BAD_RESPONSE' });
  };
  const document = (id: string): string => `${sheets}/v4/spreadsheets/${encodeURIComponent(id)}`;
  const query = (url: string, parameters: Readonly<Record<string, string>>): string =>
    `${url}?${new URLSearchParams(parameters).toString()}`;
  const same = async <Answer extends { spreadsheetId: string }>(
    id: string,
    asked: Promise<Answer>,
  ): Promise<Answer> => {
    const answer = await asked;
    if (answer.spreadsheetId === id) return answer;
    throw new Fault('BAD_RESPONSE', `Google answered about another document than "${id}".`);
  };

  return {
    spreadsheets: async () => {
      const ids: string[] = [];
      for (let pageToken = ''; ;) {
        const page = await ask(answers.files, {
          method: 'GET',
          url: query(`${drive}/drive/v3/files`, {
            q: `mimeType='${SPREADSHEET}' and trashed=false`,
            fields: 'nextPageToken,files(id)',
            pageSize: '1000',
            supportsAllDrives: 'true',
            includeItemsFromAllDrives: 'true',
            ...(pageToken === '' ? {} : { pageToken }),
          }),
        });
        ids.push(...page.files.map(({ id }) => id));
        if (page.nextPageToken === undefined) return ids;
        pageToken = page.nextPageToken;
      }
    },
    account: async () => {
      const { user } = await ask(answers.about, {
        method: 'GET',
        url: query(`${drive}/drive/v3/about`, { fields: 'user(permissionId,emailAddress)' }),
      });
      return { id: user.permissionId, title: user.emailAddress ?? user.permissionId };
    },
    file: async (id) => {
      const found = await ask(answers.file, {
        method: 'GET',
        url: query(`${drive}/drive/v3/files/${encodeURIComponent(id)}`, {
          fields: 'id,name,mimeType,modifiedTime,version,trashed',
          supportsAllDrives: 'true',
        }),
      });
      if (found.id !== id) throw new Fault('BAD_RESPONSE', `Drive answered about another document than "${id}".`);
      if (found.mimeType !== SPREADSHEET) {
        throw new Fault('SETTINGS_INVALID', `"${found.name}" is no Google spreadsheet (${found.mimeType}).`, {
          suggestion: 'Open the Excel file in Google Sheets, choose File, Save as Google Sheets, and use the new id.',
        });
      }
      if (found.trashed) {
        throw new Fault('TABLE_MISSING', `The document "${found.name}" is in the trash.`, {
          suggestion: 'Restore it in Google Drive, or unmap its tables.',
        });
      }
      return found;
    },
    tabs: (id) =>
      same(
        id,
        ask(answers.spreadsheet, {
          method: 'GET',
          url: query(document(id), { fields: 'spreadsheetId,properties(title,timeZone),sheets(properties)' }),
        }),
      ),
    cells: (id, filters) =>
      same(
        id,
        ask(answers.spreadsheet, {
          method: 'POST',
          url: query(`${document(id)}:getByDataFilter`, {
            fields:
              'spreadsheetId,properties(title,timeZone),sheets(properties,merges,data(startRow,startColumn,' +
              'rowData(values(userEnteredValue,effectiveValue,effectiveFormat(numberFormat)))))',
          }),
          json: {
            includeGridData: true,
            dataFilters: filters.map(({ gid, startRow, endRow }) => ({
              gridRange: {
                sheetId: gid,
                startRowIndex: startRow - 1,
                ...(endRow === undefined ? {} : { endRowIndex: endRow }),
              },
            })),
          },
          safe: true,
          deadline: DEADLINE,
        }),
      ),
    writeValues: async (id, data) => {
      await same(
        id,
        ask(answers.values, {
          method: 'POST',
          url: `${document(id)}/values:batchUpdate`,
          json: { valueInputOption: 'RAW', data },
        }),
      );
    },
    append: async (id, range, values) => {
      const { updates } = await same(
        id,
        ask(answers.appended, {
          method: 'POST',
          url: query(`${document(id)}/values/${encodeURIComponent(range)}:append`, {
            valueInputOption: 'RAW',
            insertDataOption: 'INSERT_ROWS',
          }),
          json: { values },
        }),
      );
      return updates.updatedRange;
    },
    batchUpdate: async (id, requests) => {
      await same(id, ask(answers.batch, { method: 'POST', url: `${document(id)}:batchUpdate`, json: { requests } }));
    },
  };
}

const spoken = z.object({
  error: z.object({
    message: z.string(),
    status: z.string().default(''),
    details: z.array(z.looseObject({ reason: z.string().optional() })).default([]),
    errors: z.array(z.looseObject({ reason: z.string().optional() })).default([]),
  }),
});

const REASONS: Readonly<Record<string, FaultCode>> = {
  userRateLimitExceeded: 'RATE_LIMITED',
  rateLimitExceeded: 'RATE_LIMITED',
  RATE_LIMIT_EXCEEDED: 'RATE_LIMITED',
  dailyLimitExceeded: 'QUOTA_EXHAUSTED',
  SERVICE_DISABLED: 'SETTINGS_INVALID',
};

const WORDS: readonly (readonly [RegExp, FaultCode, string])[] = [
  [
    /must not be an office file/i,
    'SETTINGS_INVALID',
    'Save the Excel file as a Google spreadsheet and use its new id.',
  ],
  [/no grid with id/i, 'TABLE_MISSING', 'The tab is gone; discover the tables again.'],
  [/protected cell or object/i, 'PERMISSION_DENIED', 'Let the account edit the protected range, or unmap its columns.'],
  [/exceeds? grid limits/i, 'CONFLICT', 'The tab has become smaller; the rows are looked for again.'],
  // A tab that was renamed between two requests.
  [/unable to parse range/i, 'CONFLICT', 'The tab has another name by now; it is looked for again.'],
];

/** What Google's refusal means; both envelopes, of Sheets and of Drive. */
function refused(answer: HttpAnswer, session: Session<GoogleSheetsSettings>): Fault {
  let said: z.infer<typeof spoken>['error'] | undefined;
  try {
    said = spoken.safeParse(answer.json()).data?.error;
  } catch {
    said = undefined;
  }
  // A page of a proxy says nothing about documents.
  if (said === undefined || answer.status >= 500) return answer.fault(said?.message);
  const reasons = [...said.details, ...said.errors].flatMap(({ reason }) => reason ?? []);
  const known = reasons.flatMap((reason) => REASONS[reason] ?? [])[0];
  if (known !== undefined && answer.status !== 429) {
    return answer.fault(said.message, {
      code: known,
      ...(known === 'SETTINGS_INVALID'
        ? { suggestion: 'Switch the Google Sheets API and the Google Drive API on in the project of the account.' }
        : {}),
    });
  }
  const words = WORDS.find(([pattern]) => pattern.test(said.message));
  if (words)
    return answer.fault(said.message, { code: words[1], retryable: words[1] === 'CONFLICT', suggestion: words[2] });
  if (answer.status === 409) return answer.fault(said.message, { retryable: true });
  if (answer.status === 403 || answer.status === 404) {
    return answer.fault(said.message, {
      code: answer.status === 403 ? 'PERMISSION_DENIED' : 'TABLE_MISSING',
      suggestion: `Share the document with ${accountOf(session)} as an editor, and check its id.`,
    });
  }
  return answer.fault(said.message);
}

function accountOf({ secret }: Session<GoogleSheetsSettings>): string {
  const read = readSecret(secret);
  return read.kind === 'service' ? read.client_email : 'the user who gave the refresh token';
}
