import { Fault } from '../../model/fault.ts';
import type { Harm } from '../../model/write.ts';
import { blankId, type KeyedSheet } from './records.ts';
import { EMPTY, keyOf, letters, type Cell, type Primitive, type Sheet, type SheetRow } from './sheet.ts';
import { keyText, showCell } from './values.ts';

/** One cell that was sent: what it was meant for, and the place that had at that time. */
export interface Written {
  readonly ref: string;
  readonly id: string;
  readonly name: string;
  readonly column: number;
  readonly rowNumber: number;
  readonly value: Exclude<Primitive, null>;
}

/** A cell that holds a value which was meant for another one, and what it held before. */
export interface Stray {
  readonly ref: string;
  /** The row that was meant. */
  readonly meant: string;
  readonly column: number;
  readonly row: SheetRow;
  readonly original: Cell;
  /** False when the look before did not show the cell: it is emptied, whatever it held. */
  readonly known: boolean;
}

/**
 * The cell that was hit instead of the one that was meant; nothing when the right one was. A write that perhaps never arrived is looked for
 * `onlyThere`, where it was sent to: elsewhere the same value is more likely a person's.
 */
export function findStray(
  before: KeyedSheet,
  after: KeyedSheet,
  written: Written,
  batch: readonly Written[],
  onlyThere = false,
): Stray[] {
  const { ref, id, name, column, rowNumber, value } = written;
  const was = rowOf(before, id);
  const now = rowOf(after, id);
  const own = after.columns.find((one) => one.name === name);
  // Nothing tells a cell that was written from one that held this value before.
  if (same(was?.cells[column], value)) return [];
  if (now && own && same(now.cells[own.index], value)) return [];
  const meant = (row: SheetRow, at: number): boolean => {
    const key = rowKey(after, row);
    const header = after.columns.find(({ index }) => index === at)?.name;
    return key === id
      ? header === name
      : batch.some((one) => one.id === key && one.name === header && one.value === value);
  };
  // First where it was sent to, then in the same column: the row may have moved after the write as well.
  const places = [
    ...after.rows.filter(({ number }) => number === rowNumber).map((row) => ({ row, at: column })),
    ...(own && !onlyThere ? after.rows.map((row) => ({ row, at: own.index })) : []),
  ];
  for (const { row, at } of places) {
    if (!same(row.cells[at], value) || meant(row, at)) continue;
    const { original, known } = originalOf(before, after, row, at, batch);
    // In a cell that nobody knew nothing tells an empty text of ours from none, unless it was sent to this very place.
    const isSentTo = row.number === rowNumber && at === column;
    if (same(original, value) && (known || !isSentTo)) continue;
    return [{ ref, meant: id, column: at, row, original, known }];
  }
  return [];
}

/** What went astray once more when `strays` were put right: the values that stand there still, and the cells that were hit in their place. */
export function findMissed(before: KeyedSheet, after: KeyedSheet, strays: readonly Stray[]): Stray[] {
  const restored = strays.flatMap((stray) => {
    const { ref, column, row, original } = stray;
    const [id, name] = [rowKey(before, row), before.columns.find(({ index }) => index === column)?.name];
    // Of a row that got back its key, or that is gone, nothing can be said.
    if (id === null || name === undefined || rowOf(after, id) === undefined) return [];
    return [{ stray, sent: { ref, id, name, column, rowNumber: row.number, value: original.value ?? '' } }];
  });
  const batch = restored.map(({ sent }) => sent);
  return restored.flatMap(({ stray, sent }) => {
    const hit = findStray(before, after, sent, batch);
    const row = rowOf(after, sent.id);
    const own = after.columns.find(({ name }) => name === sent.name);
    if (hit.length === 0 || row === undefined || own === undefined) return hit;
    const stands = same(row.cells[own.index], stray.row.cells[stray.column]?.value ?? null);
    return stands ? [{ ...stray, row, column: own.index }, ...hit] : hit;
  });
}

/** What the cell held when it was last seen. One that came since is taken for empty, and was so for sure only where nothing stands beside it. */
function originalOf(
  before: KeyedSheet,
  after: KeyedSheet,
  row: SheetRow,
  at: number,
  batch: readonly Written[],
): { readonly original: Cell; readonly known: boolean } {
  const key = rowKey(after, row);
  const header = after.columns.find(({ index }) => index === at)?.name;
  const column = before.columns.find(({ name }) => name === header);
  const old = withoutKey(before, after, row, batch) ?? (key === null ? undefined : rowOf(before, key));
  if (column && old) return { original: old.cells[column.index] ?? EMPTY, known: true };
  const isAlone = header === undefined || row.cells.every((cell, index) => index === at || same(cell, null));
  return { original: EMPTY, known: isAlone };
}

/** The row as it was, where a column came in front of the key and so the key itself was hit. */
function withoutKey(
  before: KeyedSheet,
  after: KeyedSheet,
  row: SheetRow,
  batch: readonly Written[],
): SheetRow | undefined {
  const { index } = keyOf(after);
  const isHit = batch.some(
    ({ rowNumber, column, value }) => rowNumber === row.number && column === index && same(row.cells[index], value),
  );
  const stood = isHit ? before.rows.find(({ number }) => number === row.number) : undefined;
  return stood && !after.byKey.has(rowKey(before, stood) ?? '') ? stood : undefined;
}

/** What people must know of a stray value that was put right, or that was not. */
export function harmOf(after: KeyedSheet, { meant, column, row }: Stray, mended: boolean): Harm {
  const key = column === keyOf(after).index ? null : rowKey(after, row);
  const name = after.columns.find(({ index }) => index === column)?.name;
  const place = `${letters(column)}${String(row.number)}`;
  const what = name === undefined ? place : `"${name}" (${place})`;
  const whose = key === null ? 'a row without a key' : `the row "${key}"`;
  const fault = new Fault(
    'OVERWRITTEN',
    `${what} of ${whose} in the tab "${after.title}" was overwritten by a value for the row "${meant}", because somebody moved cells ` +
      `at that very moment, and ${mended ? 'is empty now' : 'may show that value still'}. ` +
      `The document's version history has what it held: type it again.`,
    name === undefined ? {} : { column: name },
  );
  return { id: key ?? blankId(row), fault: fault.facts };
}

export function restoreCell({ gid }: Sheet, { column, row, original }: Stray): unknown {
  return {
    updateCells: {
      start: { sheetId: gid, rowIndex: row.number - 1, columnIndex: column },
      rows: [{ values: [original.entered === undefined ? {} : { userEnteredValue: original.entered }] }],
      fields: 'userEnteredValue',
    },
  };
}

/** Deletes rows from the bottom up, so that none moves before its turn. */
export function deletionOf({ gid, looseRows }: Sheet, numbers: readonly number[]): unknown[] {
  const requests: unknown[] = [...numbers]
    .sort((a, b) => b - a)
    .map((number) => ({
      deleteDimension: { range: { sheetId: gid, dimension: 'ROWS', startIndex: number - 1, endIndex: number } },
    }));
  // Google refuses to take away the last row that is not frozen.
  if (numbers.length >= looseRows)
    requests.unshift({ appendDimension: { sheetId: gid, dimension: 'ROWS', length: 1 } });
  return requests;
}

/** Rows that vanished while others, which were meant, still stand. */
export function lostRows(
  before: KeyedSheet,
  after: KeyedSheet,
  meant: readonly string[],
  atMost: number,
): readonly SheetRow[] {
  return [...before.byKey]
    .filter(([id]) => !after.byKey.has(id) && !meant.includes(id))
    .flatMap(([, rows]) => rows)
    .slice(0, atMost);
}

/** Puts a row back near where it stood: into a row of its own, so that it covers nothing. */
export function restoreRow(before: Sheet, { gid, headerRow, rows }: Sheet, row: SheetRow): unknown[] {
  const end = rows.at(-1)?.number ?? headerRow;
  const index = Math.min(row.number - 1, end);
  const cells = row.cells.slice(0, Math.max(...before.columns.map((column) => column.index)) + 1);
  return [
    // A grid that ends here has no place to insert at.
    { appendDimension: { sheetId: gid, dimension: 'ROWS', length: 1 } },
    {
      insertDimension: {
        range: { sheetId: gid, dimension: 'ROWS', startIndex: index, endIndex: index + 1 },
        inheritFromBefore: index > headerRow,
      },
    },
    {
      updateCells: {
        start: { sheetId: gid, rowIndex: index, columnIndex: 0 },
        rows: [
          {
            values: cells.map(({ entered, numberFormat }) => ({
              ...(entered === undefined ? {} : { userEnteredValue: entered }),
              ...(numberFormat === undefined ? {} : { userEnteredFormat: { numberFormat } }),
            })),
          },
        ],
        fields: 'userEnteredValue,userEnteredFormat.numberFormat',
      },
    },
  ];
}

function rowOf({ byKey }: KeyedSheet, id: string): SheetRow | undefined {
  const rows = byKey.get(id);
  return rows?.length === 1 ? rows[0] : undefined;
}

function rowKey(sheet: Sheet, row: SheetRow): string | null {
  const key = keyOf(sheet);
  const shown = showCell(row.cells[key.index], key, sheet.zone);
  return 'value' in shown ? keyText(shown.value) : null;
}

function same(cell: Cell | undefined, value: Primitive): boolean {
  return (cell?.value ?? '') === (value ?? '');
}
