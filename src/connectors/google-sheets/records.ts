import { Fault } from '../../model/fault.ts';
import type { FieldProblem, FieldValue, RemoteRecord } from '../../model/record.ts';
import { columnOf, keyOf, type Sheet, type SheetRow } from './sheet.ts';
import { keyText, showCell } from './values.ts';

/** A sheet whose rows are sorted by their keys; what has no key is kept apart. */
export interface KeyedSheet extends Sheet {
  readonly byKey: ReadonlyMap<string, readonly SheetRow[]>;
  readonly blank: readonly SheetRow[];
}

export function keyRows(sheet: Sheet): KeyedSheet {
  const key = keyOf(sheet);
  const byKey = new Map<string, SheetRow[]>();
  const blank: SheetRow[] = [];
  for (const row of sheet.rows) {
    const shown = showCell(row.cells[key.index], key, sheet.zone);
    const text = 'value' in shown ? keyText(shown.value) : null;
    if (text === null) blank.push(row);
    else if (byKey.has(text)) byKey.get(text)?.push(row);
    else byKey.set(text, [row]);
  }
  return { ...sheet, byKey, blank };
}

export function toRecord(sheet: Sheet, id: string, row: SheetRow, columns: readonly string[]): RemoteRecord {
  const fields: Record<string, FieldValue> = Object.create(null) as Record<string, FieldValue>;
  const problems: FieldProblem[] = [];
  for (const name of columns) {
    const column = columnOf(sheet, name);
    const shown = showCell(row.cells[column.index], column, sheet.zone);
    if ('value' in shown) fields[name] = shown.value;
    else problems.push({ column: name, message: `Row ${String(row.number)}: ${shown.problem}` });
  }
  return { id, fields: { ...fields }, position: row.number, ...(problems.length === 0 ? {} : { problems }) };
}

/** A key that stands in several rows is none of them: nothing of it is believed, and nothing of it counts as gone. */
export function doubledKey(sheet: Sheet, id: string, rows: readonly SheetRow[]): RemoteRecord {
  const { name } = keyOf(sheet);
  return {
    id,
    fields: {},
    position: rows[0]?.number ?? 0,
    problems: [{ column: name, message: doubledMessage(sheet, id, rows) }],
  };
}

function doubledMessage(sheet: Sheet, id: string, rows: readonly SheetRow[]): string {
  const numbers = rows.map(({ number }) => String(number)).join(', ');
  return `The key "${id}" stands in rows ${numbers} of the tab "${sheet.title}". Give each row a key of its own.`;
}

export function doubledFault(sheet: Sheet, id: string, rows: readonly SheetRow[]): Fault {
  return new Fault('DUPLICATE_REMOTE', doubledMessage(sheet, id, rows), { column: keyOf(sheet).name });
}

export function blankId({ number }: SheetRow): string {
  return `(row ${String(number)} without a key)`;
}

/** A row without a key can be shown but not followed: its place is all it has. */
function blankKey(sheet: Sheet, row: SheetRow): RemoteRecord {
  const { name } = keyOf(sheet);
  const number = String(row.number);
  return {
    id: blankId(row),
    fields: {},
    position: row.number,
    problems: [
      { column: name, message: `Row ${number} of the tab "${sheet.title}" has no key in "${name}". Fill it in.` },
    ],
  };
}

/** Every record of a sheet in the order of the ids, so that a place in it survives whatever moves. */
export function allRecords(sheet: Sheet, columns: readonly string[]): { id: string; show: () => RemoteRecord }[] {
  const { byKey, blank } = keyRows(sheet);
  const records = [...byKey].map(([id, rows]) => ({
    id,
    show: () => {
      const [row] = rows;
      return row && rows.length === 1 ? toRecord(sheet, id, row, columns) : doubledKey(sheet, id, rows);
    },
  }));
  for (const row of blank) {
    const record = blankKey(sheet, row);
    // A row that has this very text as its key is the real one.
    if (!byKey.has(record.id)) records.push({ id: record.id, show: () => record });
  }
  return records.sort((a, b) => (a.id < b.id ? -1 : 1));
}
