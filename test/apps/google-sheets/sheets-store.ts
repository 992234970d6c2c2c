import { columnLetters, columnNumber, type Area } from './a1.ts';
import { invalid, Refusal } from './refusal.ts';

export type Literal = string | number | boolean;

interface Format {
  readonly type: string;
  readonly pattern?: string;
}

export interface StoredCell {
  readonly entered?: Literal;
  /** Whether the text is a formula; RAW texts that begin with "=" are not. */
  readonly formula?: boolean;
  readonly format?: Format;
}

interface Merge {
  readonly startRowIndex: number;
  readonly endRowIndex: number;
  readonly startColumnIndex: number;
  readonly endColumnIndex: number;
}

export interface TabOptions {
  readonly sheetId: number;
  readonly title: string;
  readonly sheetType?: 'GRID' | 'OBJECT';
  /** From the first row on. A text that begins with "=" is a formula here, as if a person had typed it. */
  readonly rows?: readonly (readonly (Literal | null | StoredCell)[])[];
  readonly rowCount?: number;
  readonly columnCount?: number;
  readonly frozenRowCount?: number;
  readonly merges?: readonly Merge[];
  /** Columns that only the owner may change. */
  readonly protectedColumns?: readonly number[];
}

export interface DocumentOptions {
  readonly id: string;
  readonly title: string;
  readonly timeZone?: string;
  readonly mimeType?: string;
  readonly tabs: readonly TabOptions[];
  /** Whom it is shared with; absent: everybody may edit. */
  readonly access?: Readonly<Record<string, 'viewer' | 'editor'>>;
}

export interface Tab {
  readonly sheetId: number;
  title: string;
  readonly sheetType: 'GRID' | 'OBJECT';
  rowCount: number;
  columnCount: number;
  readonly frozenRowCount: number;
  rows: StoredCell[][];
  merges: Merge[];
  readonly protectedColumns: readonly number[];
}

export interface Document {
  readonly id: string;
  title: string;
  timeZone: string;
  mimeType: string;
  trashed: boolean;
  version: number;
  modifiedAt: number;
  readonly access: Readonly<Record<string, 'viewer' | 'editor'>> | undefined;
  readonly tabs: Tab[];
}

/** One accepted effect on one row. */
export interface JournalEntry {
  readonly seq: number;
  readonly actor: 'api' | 'person';
  readonly op: 'append' | 'update' | 'insert' | 'delete' | 'clear' | 'tab';
  readonly document: string;
  readonly sheetId: number;
  readonly row?: number;
  readonly values?: readonly unknown[];
}

interface Shown {
  readonly numberValue?: number;
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly errorValue?: { readonly type: string; readonly message: string };
}

const MOST_CHARACTERS = 50_000;

/** Spreadsheets in memory: grids of cells, formats and a few formulas. */
export class SheetsStore {
  readonly documents = new Map<string, Document>();
  readonly journal: JournalEntry[] = [];
  private readonly now: () => number;
  private readonly inherit: boolean;

  constructor(documents: readonly DocumentOptions[], now: () => number, inherit: boolean) {
    this.now = now;
    this.inherit = inherit;
    for (const { id, title, timeZone = 'Etc/GMT', mimeType, tabs, access } of documents) {
      this.documents.set(id, {
        id,
        title,
        timeZone,
        mimeType: mimeType ?? 'application/vnd.google-apps.spreadsheet',
        trashed: false,
        version: 1,
        modifiedAt: now(),
        access,
        tabs: tabs.map((tab) => ({
          sheetId: tab.sheetId,
          title: tab.title,
          sheetType: tab.sheetType ?? 'GRID',
          rowCount: tab.rowCount ?? 1000,
          columnCount: tab.columnCount ?? 26,
          frozenRowCount: tab.frozenRowCount ?? 0,
          rows: (tab.rows ?? []).map((row) => row.map(typed)),
          merges: [...(tab.merges ?? [])],
          protectedColumns: tab.protectedColumns ?? [],
        })),
      });
    }
  }

  tab(document: Document, sheetId: number): Tab {
    const tab = document.tabs.find((one) => one.sheetId === sheetId);
    if (tab === undefined) throw invalid(`No grid with id: ${String(sheetId)}`);
    return tab;
  }

  note(document: Document, entry: Omit<JournalEntry, 'seq' | 'document'>): void {
    document.version += 1;
    document.modifiedAt = this.now();
    this.journal.push({ seq: this.journal.length + 1, document: document.id, ...entry });
  }

  /** What a cell shows; spilled values too. */
  shown(tab: Tab, row: number, column: number): Shown | undefined {
    const cell = tab.rows[row]?.[column];
    if (cell?.entered === undefined) return spilled(this, tab, row, column);
    if (cell.formula) return evaluate(this, tab, String(cell.entered), row, row);
    return shownOf(cell.entered);
  }

  text(tab: Tab, row: number, column: number): string {
    const shown = this.shown(tab, row, column);
    return String(shown?.stringValue ?? shown?.numberValue ?? shown?.boolValue ?? '');
  }

  isBlank(tab: Tab, row: number, column: number): boolean {
    return this.shown(tab, row, column) === undefined;
  }

  /** Where the last row that holds anything ends. */
  usedRows(tab: Tab): number {
    let last = tab.rows.length;
    while (last > 0 && (tab.rows[last - 1] ?? []).every((cell) => cell.entered === undefined)) last -= 1;
    return last;
  }

  /** Writes values into a grid; null leaves a cell, an empty text clears it. All or nothing. */
  write(tab: Tab, startRow: number, startColumn: number, values: readonly (readonly unknown[])[], raw: boolean): void {
    this.checkPlace(tab, startRow, startColumn, values);
    values.forEach((row, at) => {
      row.forEach((value, offset) => {
        if (value === null) return;
        const cell = this.cellAt(tab, startRow + at, startColumn + offset);
        this.put(tab, startRow + at, startColumn + offset, enter(value, raw, cell.format));
      });
    });
  }

  checkPlace(tab: Tab, startRow: number, startColumn: number, values: readonly (readonly unknown[])[]): void {
    values.forEach((row, at) => {
      row.forEach((value, offset) => {
        const column = startColumn + offset;
        if (startRow + at >= tab.rowCount || column >= tab.columnCount) throw beyond(tab, startRow, startColumn);
        if (tab.protectedColumns.includes(column)) {
          throw new Refusal(
            400,
            'INVALID_ARGUMENT',
            'You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove protection if you need to edit.',
          );
        }
        if (value !== null && !['string', 'number', 'boolean'].includes(typeof value)) {
          throw invalid(`Invalid values[${String(at)}][${String(offset)}]: struct_value`);
        }
        if (typeof value === 'string' && value.length > MOST_CHARACTERS) {
          throw invalid('Your input contains more than the maximum of 50000 characters in a single cell.');
        }
      });
    });
  }

  cellAt(tab: Tab, row: number, column: number): StoredCell {
    return tab.rows[row]?.[column] ?? {};
  }

  put(tab: Tab, row: number, column: number, cell: StoredCell): void {
    while (tab.rows.length <= row) tab.rows.push([]);
    const cells = tab.rows[row] ?? [];
    while (cells.length <= column) cells.push({});
    cells[column] = cell;
  }

  insertRows(tab: Tab, at: number, count: number, inheritFromBefore: boolean): void {
    if (at > tab.rowCount) throw beyond(tab, at, 0);
    while (tab.rows.length < at) tab.rows.push([]);
    const above = inheritFromBefore && this.inherit ? (tab.rows[at - 1] ?? []) : [];
    const fresh = (): StoredCell[] => above.map(({ format }) => (format === undefined ? {} : { format }));
    tab.rows.splice(at, 0, ...Array.from({ length: count }, fresh));
    tab.rowCount += count;
    moveReferences(tab, at, count);
    tab.merges = tab.merges.map((merge) => shifted(merge, at, count));
  }

  deleteRows(tab: Tab, start: number, end: number): void {
    if (end > tab.rowCount || start >= end) throw beyond(tab, start, 0);
    if (end - start >= tab.rowCount - tab.frozenRowCount) {
      throw invalid('Sorry, it is not possible to delete all non-frozen rows.');
    }
    tab.rows.splice(start, end - start);
    tab.rowCount -= end - start;
    moveReferences(tab, end, start - end);
    tab.merges = tab.merges.map((merge) => shifted(merge, end, start - end));
  }

  /** The block of data that touches an area, as `append` sees it. */
  tableAt(tab: Tab, area: Area): Required<Area> & { readonly found: boolean } {
    let { startColumn } = area;
    let endColumn = area.endColumn ?? tab.columnCount;
    let endRow = area.endRow ?? Math.max(area.startRow + 1, this.usedRows(tab));
    const filled = (row: number, from: number, to: number): boolean => {
      for (let column = from; column < to; column += 1) if (!this.isBlank(tab, row, column)) return true;
      return false;
    };
    const any = (from: number, to: number, column: number): boolean => {
      for (let row = from; row < to; row += 1) if (filled(row, column, column + 1)) return true;
      return false;
    };
    for (let grown = true; grown;) {
      grown = false;
      while (endRow < tab.rowCount && filled(endRow, startColumn, endColumn)) {
        endRow += 1;
        grown = true;
      }
      while (startColumn > 0 && any(area.startRow, endRow, startColumn - 1)) {
        startColumn -= 1;
        grown = true;
      }
      while (endColumn < tab.columnCount && any(area.startRow, endRow, endColumn)) {
        endColumn += 1;
        grown = true;
      }
    }
    return {
      startRow: area.startRow,
      endRow,
      startColumn,
      endColumn,
      found: filled(area.startRow, startColumn, endColumn),
    };
  }
}

function beyond(tab: Tab, row: number, column: number): Refusal {
  return invalid(
    `Range ('${tab.title}'!${columnLetters(column)}${String(row + 1)}) exceeds grid limits. Max rows: ${String(tab.rowCount)}, max columns: ${String(tab.columnCount)}`,
  );
}

function typed(value: Literal | null | StoredCell): StoredCell {
  if (value === null) return {};
  if (typeof value === 'object') {
    const isFormula = typeof value.entered === 'string' && value.entered.startsWith('=');
    return isFormula && value.formula === undefined ? { ...value, formula: true } : value;
  }
  return enter(value, typeof value !== 'string' || !value.startsWith('='), undefined);
}

/** RAW keeps what it is given; USER_ENTERED reads it as if it were typed. */
function enter(value: unknown, raw: boolean, format: Format | undefined): StoredCell {
  const kept = format === undefined ? {} : { format };
  if (value === '') return kept;
  if (!raw && typeof value === 'string') {
    if (value.startsWith('=')) return { ...kept, entered: value, formula: true };
    if (/^-?\d+(\.\d+)?$/.test(value)) return { ...kept, entered: Number(value) };
    if (/^(true|false)$/i.test(value)) return { ...kept, entered: value.toLowerCase() === 'true' };
  }
  return { ...kept, entered: value as Literal };
}

function shownOf(value: Literal): Shown {
  if (typeof value === 'number') return { numberValue: value };
  return typeof value === 'boolean' ? { boolValue: value } : { stringValue: value };
}

const ARRAY = /^=ARRAYFORMULA\(UPPER\(([A-Z]+)(\d+):([A-Z]+)\)\)$/;

/** Just enough of a language: `=UPPER(B2)`, `=B2*2`, `=1/0`, `=ARRAYFORMULA(UPPER(B2:B))`. */
function evaluate(store: SheetsStore, tab: Tab, formula: string, row: number, home: number): Shown {
  const [, array, first] = ARRAY.exec(formula) ?? [];
  if (array !== undefined) {
    const at = Number(first) - 1 + row - home;
    return { stringValue: store.text(tab, at, columnNumber(array)).toUpperCase() };
  }
  const [, upper, upperRow] = /^=UPPER\(([A-Z]+)(\d+)\)$/.exec(formula) ?? [];
  if (upper !== undefined)
    return { stringValue: store.text(tab, Number(upperRow) - 1, columnNumber(upper)).toUpperCase() };
  const [, factor, factorRow, times] = /^=([A-Z]+)(\d+)\*(\d+)$/.exec(formula) ?? [];
  if (factor !== undefined) {
    return { numberValue: Number(store.text(tab, Number(factorRow) - 1, columnNumber(factor))) * Number(times) };
  }
  if (/^=\d+\/0$/.test(formula)) {
    return { errorValue: { type: 'DIVIDE_BY_ZERO', message: 'Function DIVIDE parameter 2 cannot be zero.' } };
  }
  return { errorValue: { type: 'NAME', message: `Unknown function in ${formula}` } };
}

function spilled(store: SheetsStore, tab: Tab, row: number, column: number): Shown | undefined {
  for (let home = row - 1; home >= 0; home -= 1) {
    const above = tab.rows[home]?.[column];
    if (above?.entered === undefined) continue;
    if (!above.formula || !ARRAY.test(String(above.entered))) return undefined;
    const shown = evaluate(store, tab, String(above.entered), row, home);
    return shown.stringValue === '' ? undefined : shown;
  }
  return undefined;
}

/** References follow the rows that they mean. */
function moveReferences(tab: Tab, from: number, by: number): void {
  tab.rows = tab.rows.map((row) =>
    row.map((cell) =>
      cell.formula
        ? {
            ...cell,
            entered: String(cell.entered).replace(/([A-Z]+)(\d+)/g, (whole, letters: string, number: string) =>
              Number(number) - 1 >= from ? `${letters}${String(Number(number) + by)}` : whole,
            ),
          }
        : cell,
    ),
  );
}

function shifted(merge: Merge, from: number, by: number): Merge {
  return merge.startRowIndex >= from
    ? { ...merge, startRowIndex: merge.startRowIndex + by, endRowIndex: merge.endRowIndex + by }
    : merge;
}
