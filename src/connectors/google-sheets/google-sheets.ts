import { Fault } from '../../model/fault.ts';
import type { FieldValue, RemoteRecord } from '../../model/record.ts';
import type { RemoteTable } from '../../model/remote-table.ts';
import type { AppType, Connector, Cursor, Description, PageRequest, Session } from '../connector.ts';
import { readSecret } from './access-token.ts';
import { createSheetsClient, type SheetsClient } from './client.ts';
import { allRecords, doubledKey, keyRows, toRecord } from './records.ts';
import { googleSheetsSettings, placesOf, tabSettingsOf, type GoogleSheetsSettings } from './settings.ts';
import { columnOf, letters, parseTable, readSheet, tableName, toSheet } from './sheet.ts';
import { describeColumn, showCell } from './values.ts';
import { writeBatch } from './writing.ts';

const TYPES: readonly AppType[] = [
  { name: 'string', type: 'string', writable: true, note: 'An empty text and an empty cell are the same: null.' },
  { name: 'number', type: 'number', writable: true, note: 'Kept as a double; what that cannot hold becomes text.' },
  { name: 'percent', type: 'number', writable: true, note: 'A fraction: 12 % is 0.12.' },
  { name: 'boolean', type: 'boolean', writable: true },
  { name: 'date', type: 'date', writable: true },
  {
    name: 'date-time',
    type: 'date-time',
    writable: true,
    note: 'Kept to the millisecond in the document’s time zone; of an hour that comes twice the first is meant.',
  },
  { name: 'time', type: 'time', writable: true },
  { name: 'duration', type: 'duration', writable: true },
];

/** How many rows of a tab are looked at to tell the types of its columns. */
const SAMPLE = 200;

/** Rows of a tab are records, identified by a key column and by nothing else. */
export const googleSheets: Connector<GoogleSheetsSettings> = {
  describe: (settings) => describe(settings ?? googleSheetsSettings.parse({})),

  origins: (settings) => [...new Set(Object.values(placesOf(settings)).map((place) => new URL(place).origin))],

  identify: async (session) => {
    const client = createSheetsClient(session);
    const { spreadsheet } = session.settings;
    if (spreadsheet !== undefined) {
      const { properties } = await client.tabs(spreadsheet);
      return { id: spreadsheet, title: properties.title };
    }
    const secret = readSecret(session.secret);
    const { id, title } = await client.account();
    return { id, title: secret.kind === 'service' ? secret.client_email : title };
  },

  discover,

  readPage: async (session, request) => {
    const { settings } = session;
    const { table, columns, limit, askedFor } = request;
    if (request.filter !== null) {
      throw new Fault(
        'SETTINGS_INVALID',
        `Google Sheets cannot filter, but the table "${table}" is mapped with a filter.`,
        {
          suggestion: 'Map it again without the filter.',
        },
      );
    }
    const client = createSheetsClient(session);
    const place = placeOf(request);
    let { version, at } = place;
    if (place.key === null) {
      // The version comes before the rows: what changes in between is then read once more, never missed.
      const found = settings.skip_unchanged ? await client.file(parseTable(settings, table).spreadsheet) : undefined;
      const fresh = place.at !== null && session.now() - Date.parse(place.at) < settings.read_anyway_after;
      if (request.mode === 'changes' && found !== undefined && fresh && place.version === found.version) {
        return { records: [], gone: [], next: { version: place.version, at: place.at }, complete: true, askedFor };
      }
      version = found?.version ?? null;
      at = new Date(session.now()).toISOString();
    }
    const sheet = await readSheet(session, client, table);
    for (const name of columns) columnOf(sheet, name);
    const all = allRecords(sheet, columns);
    const rest = place.key === null ? all : all.filter(({ id }) => id > (place.key ?? ''));
    const records = rest.slice(0, limit);
    const complete = records.length === rest.length;
    const next: Cursor = { version, at, ...(complete ? {} : { key: records.at(-1)?.id ?? null }) };
    return { records: records.map(({ show }) => show()), gone: [], next, complete, total: all.length, askedFor };
  },

  readByIds: async (session, { table, columns, ids, askedFor }) => {
    const sheet = await readSheet(session, createSheetsClient(session), table);
    for (const name of columns) columnOf(sheet, name);
    const { byKey } = keyRows(sheet);
    const records: RemoteRecord[] = [];
    const missing: string[] = [];
    for (const id of ids) {
      const rows = byKey.get(id) ?? [];
      const [row] = rows;
      if (row === undefined) missing.push(id);
      else records.push(rows.length === 1 ? toRecord(sheet, id, row, columns) : doubledKey(sheet, id, rows));
    }
    return { records, missing, askedFor };
  },

  findByKey: async (session, { table, columns, column: name, values, askedFor }) => {
    const sheet = await readSheet(session, createSheetsClient(session), table);
    const column = columnOf(sheet, name);
    const wanted = new Set(values.filter((value) => value !== null).map(text));
    const records: RemoteRecord[] = [];
    for (const [id, rows] of keyRows(sheet).byKey) {
      for (const row of rows) {
        const shown = showCell(row.cells[column.index], column, sheet.zone);
        if ('value' in shown && shown.value !== null && wanted.has(text(shown.value))) {
          records.push(toRecord(sheet, id, row, [...new Set([...columns, name])]));
        }
      }
    }
    return { records, askedFor };
  },

  writeBatch,
};

async function discover(
  session: Session<GoogleSheetsSettings>,
  wanted?: readonly string[],
): Promise<readonly RemoteTable[]> {
  const { settings } = session;
  const client = createSheetsClient(session);
  const documents = settings.spreadsheet === undefined ? await client.spreadsheets() : [settings.spreadsheet];
  const tables: RemoteTable[] = [];
  for (const spreadsheet of documents) tables.push(...(await discoverDocument(settings, client, spreadsheet, wanted)));
  return tables;
}

async function discoverDocument(
  settings: GoogleSheetsSettings,
  client: SheetsClient,
  spreadsheet: string,
  wanted: readonly string[] | undefined,
): Promise<readonly RemoteTable[]> {
  const document = await client.tabs(spreadsheet);
  const asked = document.sheets.flatMap(({ properties: { sheetId: gid, sheetType, gridProperties } }) => {
    const name = tableName(settings, { spreadsheet, gid });
    const own = tabSettingsOf(settings, name);
    // Charts have no cells, and a tab that ends above its header has no columns.
    const usable = sheetType === 'GRID' && gridProperties.rowCount >= own.header_row;
    return usable && (wanted === undefined || wanted.includes(name)) ? [{ name, gid, own }] : [];
  });
  if (asked.length === 0) return [];
  const answer = await client.cells(
    spreadsheet,
    asked.map(({ gid, own }) => ({ gid, startRow: own.header_row, endRow: own.header_row + SAMPLE })),
  );
  return asked.flatMap(({ name, gid, own }): RemoteTable[] => {
    const tab = answer.sheets.find(({ properties }) => properties.sheetId === gid);
    if (tab === undefined) return [];
    const sheet = toSheet(name, answer, tab, own);
    const columns = sheet.columns.map((column) => {
      const { type, appType } = describeColumn(sheet, column);
      const place = `Column ${letters(column.index)}`;
      return { name: column.name, title: place, type, appType, writable: !column.computed, required: false };
    });
    // A header whose key is missing or doubled can be looked at, no more.
    const can = sheet.key !== undefined;
    return [
      {
        name,
        title: settings.spreadsheet === spreadsheet ? sheet.title : `${answer.properties.title}: ${sheet.title}`,
        columns,
        capabilities: { create: can, update: can, delete: can, changes: settings.skip_unchanged, findBy: true },
      },
    ];
  });
}

function describe(settings: GoogleSheetsSettings): Description<GoogleSheetsSettings> {
  const rates = {
    requestsPerSecond: 5,
    burst: 10,
    windows: [{ requests: settings.requests_per_minute, per: 60_000 }],
    // Google says no time to wait; a window refills within a minute.
    penalty: 10_000,
  };
  return {
    title: 'Google Sheets',
    settings: googleSheetsSettings,
    secret: {
      required: true,
      hint: 'The JSON key file of a service account, or {"client_id": "…", "client_secret": "…", "refresh_token": "…"}.',
    },
    types: TYPES,
    limits: {
      recordsPerPage: 10_000,
      rowsPerWrite: settings.rows_per_write,
      bytesPerWrite: 2 * 1024 * 1024,
      idsPerRead: 10_000,
      keysPerFind: 10_000,
      rates: { ...rates, concurrency: 4 },
      // Google counts by account, whichever document is asked for.
      sharedRates: { ...rates, concurrency: 8 },
    },
    timing: {
      writeVisibleAfter: 0,
      searchVisibleAfter: 0,
      requestLife: settings.request_life,
      changesOverlap: 0,
    },
    capabilities: {
      partialUpdate: true,
      delete: 'permanent',
      compareAndSet: 'none',
      idempotencyKeys: 'none',
      changes: settings.skip_unchanged ? 'modified_time' : 'none',
      reportsDeletions: false,
      dateTimes: 'account',
    },
  };
}

interface Place {
  /** The last id of the page before; null at the beginning. */
  readonly key: string | null;
  /** The document's version when this read, or the last complete one, began. */
  readonly version: string | null;
  readonly at: string | null;
}

function placeOf({ mode, after }: PageRequest): Place {
  const key = asText(after?.['key']);
  if (key === null && mode === 'full') return { key, version: null, at: null };
  return { key, version: asText(after?.['version']), at: asText(after?.['at']) };
}

function asText(value: FieldValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

/** A number that is typed as text is found by its number, and the reverse. */
function text(value: FieldValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
