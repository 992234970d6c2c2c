import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { Session } from '../connector.ts';
import type { SheetsClient, Spreadsheet, Tab } from './client.ts';
import { zoneOf, type Zone } from './serial.ts';
import { tabSettingsOf, type GoogleSheetsSettings, type Kind, type TabSettings } from './settings.ts';

export type Primitive = null | boolean | number | string;

/** One cell, as it is and as it was typed. */
export interface Cell {
  readonly value: Primitive;
  /** What somebody typed into it; absent where nobody did (empty, or filled by an array formula elsewhere). */
  readonly entered?: Readonly<Record<string, unknown>>;
  /** The error that the cell shows. */
  readonly error?: string;
  /** The kind of date that the cell's format says; `other` for any other format. */
  readonly format?: Kind | 'other';
  /** What the format looks like, to give a restored cell its format back. */
  readonly numberFormat?: unknown;
  /** Computed by a formula, its own or one that spills into it. */
  readonly computed: boolean;
  /** Covered by a merged cell: what stands here is not shown to anybody. */
  readonly merged: boolean;
}

export interface SheetColumn {
  readonly name: string;
  readonly index: number;
  /** What the settings say it holds. */
  readonly declared?: Kind;
  /** Filled by formulas only: nothing is ever written into it. */
  readonly computed: boolean;
  /** What a number without a format of its own means here: dates of this kind. */
  readonly dates?: Kind;
}

export interface SheetRow {
  /** As people count: the first row is 1. A place, never an identity. */
  readonly number: number;
  readonly cells: readonly Cell[];
}

/** One tab at one moment. */
export interface Sheet {
  /** What requests call it. */
  readonly table: string;
  readonly spreadsheet: string;
  readonly gid: number;
  readonly title: string;
  readonly zone: Zone;
  readonly headerRow: number;
  readonly columns: readonly SheetColumn[];
  /** Names that stand in the header more than once; none of their columns can be used. */
  readonly doubled: ReadonlyMap<string, readonly number[]>;
  readonly key: SheetColumn | undefined;
  readonly keyName: string | undefined;
  /** The rows below the header. */
  readonly rows: readonly SheetRow[];
  /** Rows that could be deleted: the grid's, without the frozen ones. */
  readonly looseRows: number;
}

export const EMPTY: Cell = { value: null, computed: false, merged: false };

interface TableName {
  readonly spreadsheet: string;
  readonly gid: number;
}

/** A table is a tab by its gid, in front of which stands the document's id where none is set. */
export function parseTable(settings: GoogleSheetsSettings, table: string): TableName {
  const [, spreadsheet = settings.spreadsheet, gid] = /^(?:([A-Za-z0-9_-]+):)?(\d{1,10})$/.exec(table) ?? [];
  if (spreadsheet === undefined || gid === undefined) {
    throw new Fault('TABLE_MISSING', `"${table}" is not the name of a tab.`, {
      suggestion:
        'A table is called by the gid of its tab (the number after #gid= in its address); discover lists them.',
    });
  }
  return { spreadsheet, gid: Number(gid) };
}

export function tableName(settings: GoogleSheetsSettings, { spreadsheet, gid }: TableName): string {
  return settings.spreadsheet === spreadsheet ? String(gid) : `${spreadsheet}:${String(gid)}`;
}

/** Reads one tab whole: one request, so that no row can move out of its sight. */
export async function readSheet(
  { settings }: Session<GoogleSheetsSettings>,
  client: SheetsClient,
  table: string,
): Promise<Sheet> {
  const { spreadsheet, gid } = parseTable(settings, table);
  const own = tabSettingsOf(settings, table);
  const answer = await client.cells(spreadsheet, [{ gid, startRow: own.header_row }]);
  const tab = answer.sheets.find(({ properties }) => properties.sheetId === gid);
  if (tab === undefined) {
    throw new Fault(
      'TABLE_MISSING',
      `The document "${answer.properties.title}" has no tab with the gid ${String(gid)}.`,
      {
        suggestion: 'It was deleted; discover the tables again, and unmap what is gone.',
      },
    );
  }
  return toSheet(table, answer, tab, own);
}

/** What a cell must be to be believed. */
const cell = z.object({
  userEnteredValue: z.record(z.string(), z.unknown()).optional(),
  effectiveValue: z
    .object({
      numberValue: z.union([z.number(), z.string()]).optional(),
      stringValue: z.string().optional(),
      boolValue: z.boolean().optional(),
      errorValue: z.object({ type: z.string().default('ERROR'), message: z.string().default('') }).optional(),
    })
    .optional(),
  effectiveFormat: z
    .object({ numberFormat: z.looseObject({ type: z.string(), pattern: z.string().default('') }).optional() })
    .optional(),
});

export function toSheet(table: string, answer: Spreadsheet, tab: Tab, own: TabSettings): Sheet {
  const { sheetId: gid, title, gridProperties } = tab.properties;
  // Without its data the tab was not shown: that is not an empty tab.
  const [grid] = tab.data ?? [];
  if (grid === undefined) {
    throw new Fault('BAD_RESPONSE', `Google showed no cells of the tab "${title}", not even that it is empty.`);
  }
  const covered = coveredCells(tab);
  const rows = grid.rowData.map(({ values }, at): SheetRow => {
    const number = grid.startRow + at + 1;
    const cells: Cell[] = Array.from({ length: grid.startColumn }, () => EMPTY);
    values.forEach((value, index) => {
      cells.push(toCell(value, covered(number - 1, grid.startColumn + index), title, number));
    });
    return { number, cells };
  });
  const header = rows.find(({ number }) => number === own.header_row);
  const body = rows.filter(({ number }) => number > own.header_row);

  const places = new Map<string, number[]>();
  header?.cells.forEach(({ value, merged }, index) => {
    const name = value === null || merged ? '' : String(value).trim();
    if (name !== '') places.set(name, [...(places.get(name) ?? []), index]);
  });
  const columns = [...places]
    .filter(([, at]) => at.length === 1)
    .map(([name, [index = 0]]): SheetColumn => {
      const declared = Object.hasOwn(own.types, name) ? own.types[name] : undefined;
      const dates = datesOf(body, index);
      const computed = isComputed(body, index);
      return {
        name,
        index,
        computed,
        ...(declared === undefined ? {} : { declared }),
        ...(dates === undefined ? {} : { dates }),
      };
    });
  return {
    table,
    spreadsheet: answer.spreadsheetId,
    gid,
    title,
    zone: zoneOf(answer.properties.timeZone),
    headerRow: own.header_row,
    columns,
    doubled: new Map([...places].filter(([, at]) => at.length > 1)),
    key: columns.find(({ name }) => name === own.key),
    keyName: own.key,
    rows: body.filter(({ cells }) => columns.some(({ index }) => !isEmpty(cells[index]))),
    looseRows: gridProperties.rowCount - gridProperties.frozenRowCount,
  };
}

function isEmpty(found: Cell | undefined): boolean {
  return found === undefined || (found.error === undefined && (found.value === null || found.value === ''));
}

function toCell(raw: unknown, merged: boolean, title: string, number: number): Cell {
  const parsed = cell.safeParse(raw ?? {});
  if (!parsed.success) {
    throw new Fault('BAD_RESPONSE', `A cell in row ${String(number)} of the tab "${title}" has an unexpected shape.`);
  }
  const { userEnteredValue: entered, effectiveValue: shown, effectiveFormat } = parsed.data;
  const numberFormat = effectiveFormat?.numberFormat;
  return {
    value: shown?.numberValue ?? shown?.stringValue ?? shown?.boolValue ?? null,
    ...(entered === undefined ? {} : { entered }),
    ...(shown?.errorValue === undefined ? {} : { error: shown.errorValue.message || shown.errorValue.type }),
    ...(numberFormat === undefined ? {} : { format: formatOf(numberFormat), numberFormat }),
    computed: entered?.['formulaValue'] !== undefined || (shown !== undefined && entered === undefined),
    merged,
  };
}

function formatOf({ type, pattern }: { type: string; pattern: string }): Kind | 'other' {
  if (type === 'DATE') return 'date';
  if (type === 'DATE_TIME') return 'date-time';
  if (type === 'TIME') return /\[[hms]+\]/.test(pattern) ? 'duration' : 'time';
  return 'other';
}

/** Of a merged cell only the first is shown. */
function coveredCells({ merges }: Tab): (row: number, column: number) => boolean {
  return (row, column) =>
    merges.some(
      (area) =>
        row >= area.startRowIndex &&
        row < area.endRowIndex &&
        column >= area.startColumnIndex &&
        column < area.endColumnIndex &&
        (row !== area.startRowIndex || column !== area.startColumnIndex),
    );
}

function isComputed(rows: readonly SheetRow[], index: number): boolean {
  const cells = rows.map((row) => row.cells[index] ?? EMPTY);
  return cells.some(({ computed }) => computed) && cells.every((one) => one.computed || isEmpty(one));
}

/** The one kind of date that a column is formatted for, where no number in it has another format. */
function datesOf(rows: readonly SheetRow[], index: number): Kind | undefined {
  const formats = new Set<Kind>();
  for (const { cells } of rows) {
    const { format, value } = cells[index] ?? EMPTY;
    if (format === 'other' && typeof value === 'number') return undefined;
    if (format !== undefined && format !== 'other') formats.add(format);
  }
  return formats.size === 1 ? [...formats][0] : undefined;
}

/** The column of this name; a name that is gone or ambiguous is said, with what stands in the header now. */
export function columnOf(sheet: Sheet, name: string): SheetColumn {
  const column = sheet.columns.find((one) => one.name === name);
  if (column) return column;
  const twice = sheet.doubled.get(name);
  const where = `row ${String(sheet.headerRow)} of the tab "${sheet.title}"`;
  if (twice) {
    throw new Fault(
      'MAPPING_FIELD_MISSING',
      `"${name}" stands ${String(twice.length)} times in ${where} (columns ${twice.map(letters).join(', ')}).`,
      { column: name, suggestion: 'Give every column a name of its own.' },
    );
  }
  const names = sheet.columns.map((one) => `"${one.name}"`).join(', ');
  throw new Fault(
    'MAPPING_FIELD_MISSING',
    names === ''
      ? `There are no names of columns in ${where}.`
      : `There is no column "${name}" in ${where}; there are ${names}.`,
    {
      column: name,
      suggestion: 'If it was renamed, give it its old name back or map it under its new one; header_row is a setting.',
    },
  );
}

/** The column that identifies rows; without it nothing can be read or written. */
export function keyOf(sheet: Sheet): SheetColumn {
  if (sheet.keyName !== undefined) return columnOf(sheet, sheet.keyName);
  throw new Fault('SETTINGS_INVALID', `Nothing says which column of the tab "${sheet.title}" identifies a row.`, {
    suggestion: `Name it in the connection’s settings: {"tabs": {"${sheet.table}": {"key": "…"}}}.`,
  });
}

/** A for 0, Z for 25, AA for 26. */
export function letters(index: number): string {
  const rest = Math.floor(index / 26);
  return (rest > 0 ? letters(rest - 1) : '') + String.fromCharCode(65 + (index % 26));
}

/** A range in the words of the values requests, which know tabs by their titles only. */
export function rangeOf({ title }: Sheet, first: number, last: number, row: number): string {
  const place = `${letters(first)}${String(row)}`;
  const end = last === first ? '' : `:${letters(last)}${String(row)}`;
  return `'${title.replaceAll("'", "''")}'!${place}${end}`;
}
