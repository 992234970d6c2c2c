import { startAppServer, type AppAnswer, type AppRequest, type AppServer } from '../app-server.ts';
import { parseRange, printRange, type Area } from './a1.ts';
import { applyMask, parseMask } from './field-mask.ts';
import { GoogleAuth, type GoogleUser, type ServiceAccount } from './google-auth.ts';
import { invalid, Refusal } from './refusal.ts';
import {
  SheetsStore,
  type Document,
  type DocumentOptions,
  type JournalEntry,
  type Literal,
  type StoredCell,
  type Tab,
} from './sheets-store.ts';

export interface SheetsAppOptions {
  readonly port?: number;
  readonly service?: ServiceAccount;
  readonly user?: GoogleUser;
  readonly documents: readonly DocumentOptions[];
  readonly now?: () => number;
  /** Seconds that a token lives. */
  readonly tokenLife?: number;
  /** Google's own 60, for one user of a project. */
  readonly readsPerMinute?: number;
  readonly writesPerMinute?: number;
  /** Whether inserted rows take over the formats of the row above. */
  readonly inheritFormats?: boolean;
  /** Leaves zeros out of answers, as some JSON writers do. */
  readonly omitZeros?: boolean;
}

/** A running stand-in of Sheets, of the calls of Drive that go with it, and of the token endpoint. */
export interface SheetsApp extends AppServer {
  readonly auth: GoogleAuth;
  readonly store: SheetsStore;
  journal(): readonly JournalEntry[];
  document(id?: string): Document;
  /** What a person sees in the cells of a tab, row by row. */
  seen(sheetId: number, id?: string): string[][];
  /** What a person does: at once, without quotas. */
  person(sheetId: number, id?: string): Person;
  /** Does this once, right before the next request whose path holds `path` is served. */
  before(path: string, action: () => void): void;
}

interface Person {
  /** Places count from 1, as people do. */
  set(row: number, column: number, value: Literal | null | StoredCell): void;
  insertRow(at: number, values: readonly (Literal | null)[]): void;
  deleteRow(at: number): void;
  insertColumn(at: number, name: string): void;
  /** Sorts the rows below the header by what their cells show; only values and formats move. */
  sort(column: number, descending?: boolean): void;
  rename(title: string): void;
  /** The place of the first row whose cell shows this text. */
  find(column: number, text: string): number;
}

type Query = URLSearchParams;
type Body = Readonly<Record<string, unknown>>;

export async function startSheetsApp(options: SheetsAppOptions): Promise<SheetsApp> {
  const { now = Date.now, readsPerMinute = 60, writesPerMinute = 60 } = options;
  let address = '';
  const auth = new GoogleAuth({
    ...(options.service ? { service: options.service } : {}),
    ...(options.user ? { user: options.user } : {}),
    tokenLife: options.tokenLife ?? 3599,
    now,
    audience: () => `${address}/token`,
  });
  const store = new SheetsStore(options.documents, now, options.inheritFormats ?? true);
  const pending: { readonly path: string; readonly action: () => void }[] = [];
  const asked: Record<'Read' | 'Write', number[]> = { Read: [], Write: [] };

  const count = (kind: 'Read' | 'Write'): void => {
    const limit = kind === 'Read' ? readsPerMinute : writesPerMinute;
    asked[kind] = asked[kind].filter((at) => at > now() - 60_000);
    if (asked[kind].length >= limit) throw exhausted(kind, limit);
    asked[kind].push(now());
  };

  const serve = (request: AppRequest): AppAnswer => {
    const at = pending.findIndex(({ path }) => decodeURIComponent(request.url.pathname).includes(path));
    if (at !== -1) pending.splice(at, 1)[0]?.action();
    const isDrive = request.url.pathname.startsWith('/drive/');
    try {
      return answer(request);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return json(error.status, isDrive ? driveError(error) : sheetsError(error));
    }
  };

  const answer = (request: AppRequest): AppAnswer => {
    const { method, url, headers } = request;
    if (url.pathname === '/token' && method === 'POST') {
      if (headers['content-type']?.split(';')[0] !== 'application/x-www-form-urlencoded') {
        return json(400, { error: 'invalid_request', error_description: 'Content-Type must be a form.' });
      }
      const { status, body } = auth.exchange(new URLSearchParams(request.body.toString()));
      return json(status, body);
    }
    const grant = auth.holder(headers.authorization);
    if (!grant) {
      throw new Refusal(
        401,
        'UNAUTHENTICATED',
        'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
        [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'ACCESS_TOKEN_EXPIRED',
            domain: 'googleapis.com',
          },
        ],
      );
    }
    const may = (...names: string[]): void => {
      const all = ['drive', ...names].map((name) => `https://www.googleapis.com/auth/${name}`);
      if (!grant.scopes.some((scope) => all.includes(scope))) {
        throw new Refusal(403, 'PERMISSION_DENIED', 'Request had insufficient authentication scopes.', [
          { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT' },
        ]);
      }
    };
    const open = (id: string, right: 'viewer' | 'editor'): Document => {
      const document = store.documents.get(id);
      const access = document?.access === undefined ? 'editor' : document.access[grant.email];
      if (!document) throw new Refusal(404, 'NOT_FOUND', 'Requested entity was not found.');
      if (access === undefined || (right === 'editor' && access === 'viewer')) {
        throw new Refusal(403, 'PERMISSION_DENIED', 'The caller does not have permission');
      }
      if (!document.mimeType.endsWith('google-apps.spreadsheet')) {
        throw new Refusal(
          400,
          'FAILED_PRECONDITION',
          'This operation is not supported for this document. The document must not be an Office file.',
        );
      }
      return document;
    };
    const read = (id: string): Document => {
      count('Read');
      return open(id, 'viewer');
    };
    const change = (id: string): Document => {
      may('spreadsheets', 'drive.file');
      count('Write');
      return open(id, 'editor');
    };

    if (url.pathname.startsWith('/drive/v3/')) {
      may('drive.metadata.readonly', 'drive.readonly', 'drive.file');
      return drive(url, grant.email);
    }
    const path = /^\/v4\/spreadsheets\/([^/:]+)(.*)$/.exec(url.pathname);
    const id = decodeURIComponent(path?.[1] ?? '');
    const rest = decodeURIComponent(path?.[2] ?? '');
    const query = url.searchParams;
    const body = method === 'GET' ? {} : parseBody(request.body);
    const route = `${method} ${rest}`;
    if (route === 'GET ') {
      may('spreadsheets', 'spreadsheets.readonly', 'drive.readonly', 'drive.file');
      known(query, ['fields', 'includeGridData', 'ranges']);
      const document = read(id);
      return masked(query, getSpreadsheet(document, query));
    }
    if (route === 'POST :getByDataFilter') {
      may('spreadsheets', 'drive.file');
      known(query, ['fields']);
      strict(body, ['dataFilters', 'includeGridData']);
      return masked(query, byDataFilter(read(id), body));
    }
    if (route === 'POST :batchUpdate') {
      known(query, ['fields']);
      strict(body, ['requests', 'includeSpreadsheetInResponse', 'responseRanges', 'responseIncludeGridData']);
      return json(200, batchUpdate(change(id), body));
    }
    if (route === 'GET /values:batchGet') {
      known(query, ['ranges', 'majorDimension', 'valueRenderOption', 'dateTimeRenderOption']);
      const document = read(id);
      const valueRanges = query.getAll('ranges').map((range) => getValues(document, range, query));
      return json(200, { spreadsheetId: id, valueRanges });
    }
    if (route === 'POST /values:batchUpdate') {
      strict(body, ['valueInputOption', 'data', 'includeValuesInResponse']);
      return json(200, batchValues(change(id), body));
    }
    const [, range, verb] = /^\/values\/(.+?)(?::(append|clear))?$/.exec(rest) ?? [];
    if (range !== undefined && method === 'GET' && verb === undefined) {
      known(query, ['majorDimension', 'valueRenderOption', 'dateTimeRenderOption']);
      return json(200, getValues(read(id), range, query));
    }
    if (range !== undefined && (method === 'PUT' || method === 'POST')) {
      known(query, ['valueInputOption', 'insertDataOption', 'includeValuesInResponse']);
      const document = change(id);
      if (verb === 'clear') return json(200, clear(document, range));
      strict(body, ['range', 'majorDimension', 'values']);
      if (verb === 'append') return json(200, append(document, range, query, body));
      if (method === 'PUT') {
        const raw = inputOption(query.get('valueInputOption'));
        return json(200, { spreadsheetId: id, ...writeRange(document, range, body['values'], raw, 'update') });
      }
    }
    throw new Refusal(404, 'NOT_FOUND', `The requested URL ${url.pathname} was not found on this server.`);
  };

  const drive = (url: URL, email: string): AppAnswer => {
    const query = url.searchParams;
    const mine = (document: Document): boolean => document.access === undefined || document.access[email] !== undefined;
    if (url.pathname === '/drive/v3/about') {
      if (!query.has('fields'))
        throw new Refusal(400, 'required', "The 'fields' parameter is required for this method.");
      return masked(query, {
        kind: 'drive#about',
        user: { permissionId: `permission-of-${email}`, emailAddress: email },
      });
    }
    if (url.pathname === '/drive/v3/files') {
      known(query, ['q', 'fields', 'pageSize', 'pageToken', 'supportsAllDrives', 'includeItemsFromAllDrives']);
      const size = Number(query.get('pageSize') ?? 100);
      if (!(size >= 1 && size <= 1000)) throw new Refusal(400, 'invalidParameter', 'Invalid value for pageSize.');
      const from = Number(query.get('pageToken') ?? 0);
      const files = [...store.documents.values()].filter(
        (document) => mine(document) && !document.trashed && document.mimeType.endsWith('google-apps.spreadsheet'),
      );
      const next = files.length > from + size ? { nextPageToken: String(from + size) } : {};
      return masked(query, { kind: 'drive#fileList', ...next, files: files.slice(from, from + size).map(fileOf) });
    }
    const id = decodeURIComponent(/^\/drive\/v3\/files\/([^/]+)$/.exec(url.pathname)?.[1] ?? '');
    known(query, ['fields', 'supportsAllDrives']);
    const document = store.documents.get(id);
    if (!document || !mine(document)) throw new Refusal(404, 'notFound', `File not found: ${id}.`);
    return masked(query, fileOf(document));
  };

  const properties = (tab: Tab, index: number): unknown => ({
    ...(options.omitZeros && tab.sheetId === 0 ? {} : { sheetId: tab.sheetId }),
    title: tab.title,
    index,
    sheetType: tab.sheetType,
    ...(tab.sheetType === 'GRID'
      ? {
          gridProperties: {
            rowCount: tab.rowCount,
            columnCount: tab.columnCount,
            ...(tab.frozenRowCount > 0 ? { frozenRowCount: tab.frozenRowCount } : {}),
          },
        }
      : {}),
  });

  const spreadsheet = (
    document: Document,
    areas: ReadonlyMap<Tab, readonly Area[]> | undefined,
    withGrid: boolean,
  ) => ({
    spreadsheetId: document.id,
    properties: { title: document.title, locale: 'en_US', timeZone: document.timeZone },
    sheets: document.tabs.flatMap((tab, index) => {
      if (areas && !areas.has(tab)) return [];
      const grids = areas?.get(tab) ?? [{ startRow: 0, endRow: undefined, startColumn: 0, endColumn: undefined }];
      return [
        {
          properties: properties(tab, index),
          ...(withGrid && tab.sheetType === 'GRID' ? { data: grids.map((area) => gridOf(tab, area)) } : {}),
          ...(tab.merges.length > 0 ? { merges: tab.merges.map((merge) => ({ sheetId: tab.sheetId, ...merge })) } : {}),
        },
      ];
    }),
    spreadsheetUrl: `https://docs.google.com/spreadsheets/d/${document.id}/edit`,
  });

  const gridOf = (tab: Tab, area: Area): unknown => {
    const end = Math.min(area.endRow ?? tab.rowCount, tab.rowCount);
    const rowData: unknown[] = [];
    for (let row = area.startRow; row < end; row += 1) {
      const values: unknown[] = [];
      const width = Math.min(area.endColumn ?? tab.columnCount, tab.columnCount);
      let used = 0;
      for (let column = area.startColumn; column < width; column += 1) {
        const cell = cellData(tab, row, column);
        values.push(cell);
        if (Object.keys(cell).length > 0) used = values.length;
      }
      rowData.push(used === 0 ? {} : { values: values.slice(0, used) });
      // Nothing is typed and nothing spills below.
      if (row >= tab.rows.length + 1 && used === 0) break;
    }
    while (rowData.length > 0 && Object.keys(rowData.at(-1) as object).length === 0) rowData.pop();
    return {
      ...(area.startRow > 0 ? { startRow: area.startRow } : {}),
      ...(area.startColumn > 0 ? { startColumn: area.startColumn } : {}),
      ...(rowData.length > 0 ? { rowData } : {}),
    };
  };

  const cellData = (tab: Tab, row: number, column: number): Readonly<Record<string, unknown>> => {
    const cell = store.cellAt(tab, row, column);
    const effectiveValue = store.shown(tab, row, column);
    const { entered, formula, format } = cell;
    const numberFormat = format && { numberFormat: format };
    return {
      ...(entered === undefined
        ? {}
        : { userEnteredValue: formula ? { formulaValue: entered } : store.shown(tab, row, column) }),
      ...(effectiveValue === undefined ? {} : { effectiveValue, formattedValue: store.text(tab, row, column) }),
      ...(numberFormat ? { userEnteredFormat: numberFormat, effectiveFormat: numberFormat } : {}),
    };
  };

  const getSpreadsheet = (document: Document, query: Query): unknown => {
    const ranges = query.getAll('ranges').map((range) => placeOf(document, range));
    const mask = query.get('fields');
    const withGrid =
      mask === null ? query.get('includeGridData') === 'true' : /\b(data|sheets)\b(?!\.properties)/.test(mask);
    const areas = ranges.length === 0 ? undefined : new Map(ranges.map(({ tab, area }) => [tab, [area]]));
    return spreadsheet(document, areas, withGrid);
  };

  const byDataFilter = (document: Document, body: Body): unknown => {
    const areas = new Map<Tab, Area[]>();
    for (const filter of list(body['dataFilters'], 'data_filters')) {
      strict(filter, ['gridRange', 'a1Range', 'developerMetadataLookup']);
      const range = object(filter['gridRange'], 'grid_range');
      strict(range, ['sheetId', 'startRowIndex', 'endRowIndex', 'startColumnIndex', 'endColumnIndex']);
      const tab = store.tab(document, whole(range['sheetId'] ?? 0, 'sheet_id'));
      const area = {
        startRow: whole(range['startRowIndex'] ?? 0, 'start_row_index'),
        endRow: range['endRowIndex'] === undefined ? undefined : whole(range['endRowIndex'], 'end_row_index'),
        startColumn: whole(range['startColumnIndex'] ?? 0, 'start_column_index'),
        endColumn:
          range['endColumnIndex'] === undefined ? undefined : whole(range['endColumnIndex'], 'end_column_index'),
      };
      if (area.startRow >= tab.rowCount) {
        throw invalid(
          `Range (${tab.title}!A${String(area.startRow + 1)}) exceeds grid limits. Max rows: ${String(tab.rowCount)}, max columns: ${String(tab.columnCount)}`,
        );
      }
      areas.set(tab, [...(areas.get(tab) ?? []), area]);
    }
    return spreadsheet(document, areas, true);
  };

  const placeOf = (document: Document, range: string): { tab: Tab; area: Area; isCell: boolean } => {
    const { title, area, isCell } = parseRange(
      range,
      document.tabs.map((tab) => tab.title),
    );
    const tab = document.tabs.find((one) => one.title === title) ?? document.tabs[0];
    if (!tab) throw invalid(`Unable to parse range: ${range}`);
    if (area.startRow >= tab.rowCount || area.startColumn >= tab.columnCount) {
      throw invalid(
        `Range (${range}) exceeds grid limits. Max rows: ${String(tab.rowCount)}, max columns: ${String(tab.columnCount)}`,
      );
    }
    return { tab, area, isCell };
  };

  const getValues = (document: Document, range: string, query: Query): unknown => {
    const { tab, area } = placeOf(document, range);
    const clipped = {
      startRow: area.startRow,
      endRow: Math.min(area.endRow ?? tab.rowCount, tab.rowCount),
      startColumn: area.startColumn,
      endColumn: Math.min(area.endColumn ?? tab.columnCount, tab.columnCount),
    };
    const render = query.get('valueRenderOption') ?? 'FORMATTED_VALUE';
    const values: unknown[][] = [];
    for (let row = clipped.startRow; row < Math.min(clipped.endRow, tab.rows.length + 1); row += 1) {
      const cells: unknown[] = [];
      for (let column = clipped.startColumn; column < clipped.endColumn; column += 1) {
        cells.push(rendered(tab, row, column, render));
      }
      while (cells.length > 0 && cells.at(-1) === '') cells.pop();
      values.push(cells);
    }
    while (values.length > 0 && values.at(-1)?.length === 0) values.pop();
    return {
      range: printRange(tab.title, clipped),
      majorDimension: 'ROWS',
      ...(values.length > 0 ? { values } : {}),
    };
  };

  const rendered = (tab: Tab, row: number, column: number, render: string): unknown => {
    const cell = store.cellAt(tab, row, column);
    if (render === 'FORMULA' && cell.formula) return cell.entered;
    const shown = store.shown(tab, row, column);
    if (shown?.errorValue) return shown.errorValue.type === 'DIVIDE_BY_ZERO' ? '#DIV/0!' : '#NAME?';
    const value = shown?.numberValue ?? shown?.stringValue ?? shown?.boolValue ?? '';
    if (render !== 'FORMATTED_VALUE') return value;
    return typeof value === 'boolean' ? String(value).toUpperCase() : String(value);
  };

  const writeRange = (
    document: Document,
    range: string,
    given: unknown,
    raw: boolean,
    op: 'update' | 'append',
  ): Readonly<Record<string, unknown>> => {
    const { tab, area, isCell } = placeOf(document, range);
    const values = grid(given);
    const height = values.length;
    const width = Math.max(0, ...values.map((row) => row.length));
    const tooTall = area.endRow !== undefined && height > area.endRow - area.startRow;
    const tooWide = area.endColumn !== undefined && width > area.endColumn - area.startColumn;
    if (!isCell && (tooTall || tooWide)) {
      throw invalid(
        `Requested writing within range [${range}], but tried writing to ${tooTall ? `row [${String((area.endRow ?? 0) + 1)}]` : 'another column'}`,
      );
    }
    store.write(tab, area.startRow, area.startColumn, values, raw);
    values.forEach((row, at) => {
      store.note(document, { actor: 'api', op, sheetId: tab.sheetId, row: area.startRow + at + 1, values: row });
    });
    return {
      updatedRange: printRange(tab.title, {
        startRow: area.startRow,
        endRow: area.startRow + height,
        startColumn: area.startColumn,
        endColumn: area.startColumn + width,
      }),
      updatedRows: height,
      updatedColumns: width,
      updatedCells: values.flat().filter((value) => value !== null).length,
    };
  };

  const batchValues = (document: Document, body: Body): unknown => {
    const raw = inputOption(body['valueInputOption']);
    const data = list(body['data'], 'data');
    const places = data.map((item) => {
      strict(item, ['range', 'majorDimension', 'values']);
      const range = String(item['range']);
      const { tab, area } = placeOf(document, range);
      // All or nothing: what would be refused is refused before anything is written.
      store.checkPlace(tab, area.startRow, area.startColumn, grid(item['values']));
      return { range, values: item['values'] };
    });
    const responses = places.map(({ range, values }) => ({
      spreadsheetId: document.id,
      ...writeRange(document, range, values, raw, 'update'),
    }));
    return { spreadsheetId: document.id, totalUpdatedRows: responses.length, totalUpdatedSheets: 1, responses };
  };

  const append = (document: Document, range: string, query: Query, body: Body): unknown => {
    const raw = inputOption(query.get('valueInputOption'));
    const { tab, area } = placeOf(document, range);
    const values = grid(body['values']);
    const table = store.tableAt(tab, area);
    const at = table.found ? (table.endRow ?? 0) : area.startRow;
    const insert = query.get('insertDataOption') === 'INSERT_ROWS' && at < tab.rowCount;
    store.checkPlace({ ...tab, rowCount: at + values.length + 1 }, at, table.startColumn, values);
    if (insert) store.insertRows(tab, at, values.length, at > 1);
    tab.rowCount = Math.max(tab.rowCount, at + values.length);
    const to = printRange(tab.title, {
      startRow: at,
      endRow: at + Math.max(1, values.length),
      startColumn: table.startColumn,
      endColumn: table.startColumn + Math.max(1, ...values.map((row) => row.length)),
    });
    const updates = { spreadsheetId: document.id, ...writeRange(document, to, values, raw, 'append') };
    return {
      spreadsheetId: document.id,
      ...(table.found ? { tableRange: printRange(tab.title, table) } : {}),
      updates,
    };
  };

  const clear = (document: Document, range: string): unknown => {
    const { tab, area } = placeOf(document, range);
    const endRow = Math.min(area.endRow ?? tab.rowCount, tab.rows.length);
    const endColumn = area.endColumn ?? tab.columnCount;
    for (let row = area.startRow; row < endRow; row += 1) {
      for (let column = area.startColumn; column < endColumn; column += 1) {
        const { format } = store.cellAt(tab, row, column);
        store.put(tab, row, column, format === undefined ? {} : { format });
      }
    }
    store.note(document, { actor: 'api', op: 'clear', sheetId: tab.sheetId });
    return { spreadsheetId: document.id, clearedRange: range };
  };

  const batchUpdate = (document: Document, body: Body): unknown => {
    // Applied to a copy first, so that one bad request undoes all.
    const saved = document.tabs.map((tab) => structuredClone(tab));
    const journal = store.journal.length;
    try {
      const replies = list(body['requests'], 'requests').map((request, index) => {
        try {
          return applyRequest(document, request);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          const [name = ''] = Object.keys(request);
          throw invalid(`Invalid requests[${String(index)}].${name}: ${error.message}`);
        }
      });
      return { spreadsheetId: document.id, replies };
    } catch (error) {
      document.tabs.splice(0, document.tabs.length, ...saved);
      store.journal.splice(journal);
      throw error;
    }
  };

  const applyRequest = (document: Document, request: Body): unknown => {
    const names = Object.keys(request);
    const [name = ''] = names;
    if (names.length !== 1) throw invalid('Must specify exactly one request kind.');
    const inner = object(request[name], name);
    const rows = (): { tab: Tab; start: number; end: number } => {
      const range = object(inner['range'], 'range');
      strict(range, ['sheetId', 'dimension', 'startIndex', 'endIndex']);
      if (range['dimension'] !== 'ROWS') throw invalid('Only ROWS are served here.');
      const tab = store.tab(document, whole(range['sheetId'] ?? 0, 'sheet_id'));
      return { tab, start: whole(range['startIndex'] ?? 0, 'start'), end: whole(range['endIndex'], 'end') };
    };
    switch (name) {
      case 'deleteDimension': {
        strict(inner, ['range']);
        const { tab, start, end } = rows();
        for (let row = start; row < end; row += 1) {
          const values = tab.rows[start]?.map(({ entered }) => entered ?? null) ?? [];
          store.note(document, { actor: 'api', op: 'delete', sheetId: tab.sheetId, row: row + 1, values });
        }
        store.deleteRows(tab, start, end);
        return {};
      }
      case 'insertDimension': {
        strict(inner, ['range', 'inheritFromBefore']);
        const { tab, start, end } = rows();
        if (start >= tab.rowCount) throw invalid('range.startIndex must be less than the grid size');
        store.insertRows(tab, start, end - start, inner['inheritFromBefore'] === true);
        store.note(document, { actor: 'api', op: 'insert', sheetId: tab.sheetId, row: start + 1 });
        return {};
      }
      case 'appendDimension': {
        strict(inner, ['sheetId', 'dimension', 'length']);
        store.tab(document, whole(inner['sheetId'] ?? 0, 'sheet_id')).rowCount += whole(inner['length'], 'length');
        return {};
      }
      case 'updateCells':
        return updateCells(document, inner);
      case 'addSheet': {
        const title = String(object(inner['properties'], 'properties')['title']);
        if (document.tabs.some((tab) => tab.title === title)) {
          throw invalid(`A sheet with the name "${title}" already exists. Please enter another name.`);
        }
        const sheetId = 1 + Math.max(...document.tabs.map((tab) => tab.sheetId));
        const tab: Tab = {
          ...{ sheetId, title, sheetType: 'GRID', rowCount: 1000, columnCount: 26, frozenRowCount: 0 },
          ...{ rows: [], merges: [], protectedColumns: [] },
        };
        document.tabs.push(tab);
        return { addSheet: { properties: properties(tab, document.tabs.length - 1) } };
      }
      default:
        throw invalid(`Unknown name "${name}" at 'requests[0]': Cannot find field.`);
    }
  };

  const updateCells = (document: Document, inner: Body): unknown => {
    strict(inner, ['start', 'rows', 'fields']);
    const start = object(inner['start'], 'start');
    strict(start, ['sheetId', 'rowIndex', 'columnIndex']);
    const tab = store.tab(document, whole(start['sheetId'] ?? 0, 'sheet_id'));
    const fields = String(inner['fields']).split(',');
    const unknown = fields.find((field) => !['userEnteredValue', 'userEnteredFormat.numberFormat'].includes(field));
    if (unknown !== undefined) throw invalid(`Invalid field: ${unknown}`);
    list(inner['rows'], 'rows').forEach((row, at) => {
      const top = whole(start['rowIndex'] ?? 0, 'row_index') + at;
      list(row['values'], 'values').forEach((cell, offset) => {
        strict(cell, ['userEnteredValue', 'userEnteredFormat']);
        const left = whole(start['columnIndex'] ?? 0, 'column_index') + offset;
        store.checkPlace(tab, top, left, [['']]);
        let next: StoredCell = store.cellAt(tab, top, left);
        if (fields.includes('userEnteredValue')) {
          const kept = next.format === undefined ? {} : { format: next.format };
          const value =
            cell['userEnteredValue'] === undefined ? {} : object(cell['userEnteredValue'], 'user_entered_value');
          strict(value, ['numberValue', 'stringValue', 'boolValue', 'formulaValue']);
          const [kind] = Object.keys(value);
          const literal = kind === undefined ? undefined : (value[kind] as Literal);
          next =
            literal === undefined
              ? kept
              : { ...kept, entered: literal, ...(kind === 'formulaValue' ? { formula: true } : {}) };
        }
        if (fields.includes('userEnteredFormat.numberFormat')) {
          const format = (cell['userEnteredFormat'] as { numberFormat?: StoredCell['format'] } | undefined)
            ?.numberFormat;
          const { entered, formula } = next;
          next = {
            ...(entered === undefined ? {} : { entered }),
            ...(formula === undefined ? {} : { formula }),
            ...(format === undefined ? {} : { format }),
          };
        }
        store.put(tab, top, left, next);
      });
      store.note(document, { actor: 'api', op: 'update', sheetId: tab.sheetId, row: top + 1 });
    });
    return {};
  };

  const server = await startAppServer(serve, options.port);
  address = server.url;
  const first = options.documents[0]?.id ?? '';
  const document = (id = first): Document => {
    const found = store.documents.get(id);
    if (!found) throw new Error(`There is no document ${id}.`);
    return found;
  };

  return {
    ...server,
    auth,
    store,
    journal: () => store.journal,
    document,
    seen: (sheetId, id) => {
      const tab = store.tab(document(id), sheetId);
      return Array.from({ length: store.usedRows(tab) }, (_, row) =>
        (tab.rows[row] ?? []).map((_cell, column) => store.text(tab, row, column)),
      );
    },
    before: (path, action) => {
      pending.push({ path, action });
    },
    person: (sheetId, id) => personOf(store, document(id), sheetId),
  };
}

function personOf(store: SheetsStore, document: Document, sheetId: number): Person {
  const tab = store.tab(document, sheetId);
  const note = (op: JournalEntry['op'], row?: number): void => {
    store.note(document, { actor: 'person', op, sheetId, ...(row === undefined ? {} : { row }) });
  };
  const put = (row: number, column: number, value: Literal | null | StoredCell): void => {
    const kept = store.cellAt(tab, row, column).format;
    const format = kept === undefined ? {} : { format: kept };
    const formula = typeof value === 'string' && value.startsWith('=') ? { formula: true } : {};
    if (value === null) store.put(tab, row, column, format);
    else store.put(tab, row, column, typeof value === 'object' ? value : { ...format, entered: value, ...formula });
  };
  return {
    set: (row, column, value) => {
      put(row - 1, column - 1, value);
      note('update', row);
    },
    insertRow: (at, values) => {
      store.insertRows(tab, at - 1, 1, at > 2);
      values.forEach((value, column) => {
        put(at - 1, column, value);
      });
      note('insert', at);
    },
    deleteRow: (at) => {
      store.deleteRows(tab, at - 1, at);
      note('delete', at);
    },
    insertColumn: (at, name) => {
      for (const row of tab.rows) if (row.length >= at) row.splice(at - 1, 0, {});
      tab.columnCount += 1;
      put(0, at - 1, name);
      note('insert');
    },
    sort: (column, descending = false) => {
      const used = store.usedRows(tab);
      const shown = tab.rows.slice(1, used).map((row, at) => ({ row, text: store.text(tab, at + 1, column - 1) }));
      shown.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0) * (descending ? -1 : 1));
      tab.rows.splice(1, shown.length, ...shown.map(({ row }) => row));
      note('update');
    },
    rename: (title) => {
      tab.title = title;
      note('tab');
    },
    find: (column, text) => {
      const at = tab.rows.findIndex((_row, row) => store.text(tab, row, column - 1) === text);
      if (at === -1) throw new Error(`No row shows "${text}".`);
      return at + 1;
    },
  };
}

function json(status: number, body: unknown): AppAnswer {
  return { status, body: JSON.stringify(body) };
}

function masked(query: Query, value: unknown): AppAnswer {
  const fields = query.get('fields');
  return json(200, fields === null || fields === '' ? value : applyMask(value, parseMask(fields)));
}

function known(query: Query, names: readonly string[]): void {
  const unknown = [...query.keys()].find((name) => !['alt', 'prettyPrint', ...names].includes(name));
  if (unknown !== undefined) {
    throw invalid(`Invalid JSON payload received. Unknown name "${unknown}": Cannot bind query parameter.`);
  }
}

function strict(body: Body, names: readonly string[]): void {
  const unknown = Object.keys(body).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw invalid(`Invalid JSON payload received. Unknown name "${unknown}": Cannot find field.`);
  }
}

function parseBody(raw: Buffer): Body {
  if (raw.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(raw.toString());
  } catch {
    throw invalid('Invalid JSON payload received. Unexpected token.');
  }
  return object(value, 'body');
}

function object(value: unknown, name: string): Body {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Body;
  throw invalid(`Invalid value at '${name}' (type.googleapis.com/google.protobuf.Struct)`);
}

function list(value: unknown, name: string): readonly Body[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid(`Must specify at least one ${name}.`);
  return value.map((one) => object(one, name));
}

function grid(value: unknown): readonly (readonly unknown[])[] {
  if (Array.isArray(value) && value.every((row) => Array.isArray(row))) return value as unknown[][];
  throw invalid("Invalid value at 'data.values' (type.googleapis.com/google.protobuf.ListValue)");
}

function whole(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw invalid(`Invalid value at '${name}' (TYPE_INT32), ${JSON.stringify(value)}`);
}

function inputOption(value: unknown): boolean {
  if (value === null || value === undefined) throw invalid("'valueInputOption' is required but not specified");
  if (value !== 'RAW' && value !== 'USER_ENTERED')
    throw invalid(`Invalid value at 'value_input_option', "${JSON.stringify(value)}"`);
  return value === 'RAW';
}

function fileOf({ id, title, mimeType, modifiedAt, version, trashed }: Document): unknown {
  return {
    kind: 'drive#file',
    id,
    name: title,
    mimeType,
    modifiedTime: new Date(modifiedAt).toISOString(),
    version: String(version),
    trashed,
  };
}

function exhausted(kind: 'Read' | 'Write', limit: number): Refusal {
  return new Refusal(
    429,
    'RESOURCE_EXHAUSTED',
    `Quota exceeded for quota metric '${kind} requests' and limit '${kind} requests per minute per user' of service 'sheets.googleapis.com' for consumer 'project_number:123'.`,
    [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: 'RATE_LIMIT_EXCEEDED',
        domain: 'googleapis.com',
        metadata: {
          service: 'sheets.googleapis.com',
          quota_metric: `sheets.googleapis.com/${kind.toLowerCase()}_requests`,
          quota_limit: `${kind}RequestsPerMinutePerUser`,
          quota_limit_value: String(limit),
          quota_location: 'global',
          consumer: 'projects/123',
        },
      },
    ],
  );
}

function sheetsError({ status, word, message, details }: Refusal): unknown {
  return { error: { code: status, message, status: word, ...(details.length === 0 ? {} : { details }) } };
}

function driveError({ status, word, message }: Refusal): unknown {
  return { error: { errors: [{ domain: 'global', reason: word, message }], code: status, message } };
}
