import { invalid } from './refusal.ts';

/** Zero-based, ends exclusive; an open end is undefined. */
export interface Area {
  readonly startRow: number;
  readonly endRow: number | undefined;
  readonly startColumn: number;
  readonly endColumn: number | undefined;
}

interface Named {
  readonly title: string | undefined;
  readonly area: Area;
  readonly isCell: boolean;
}

const WHOLE: Area = { startRow: 0, endRow: undefined, startColumn: 0, endColumn: undefined };

/** Reads `Tab!A1:C3`, `'My Tab'!A:C`, `Tab!2:5`, `A1` and `Tab`. */
export function parseRange(range: string, titles: readonly string[]): Named {
  const [, quoted, bare, rest] = /^(?:(?:'((?:[^']|'')+)'|([^'!]+))!)?(.+)$/.exec(range) ?? [];
  const named = quoted?.replaceAll("''", "'") ?? bare;
  if (named === undefined) {
    const plain = /^'((?:[^']|'')+)'$/.exec(range)?.[1]?.replaceAll("''", "'") ?? range;
    if (titles.includes(plain)) return { title: plain, area: WHOLE, isCell: false };
  } else if (!titles.includes(named)) {
    throw invalid(`Unable to parse range: ${range}`);
  }
  const found = /^([A-Z]*)(\d*)(?::([A-Z]*)(\d*))?$/.exec(rest ?? '');
  const [, fromColumn = '', fromRow = '', toColumn, toRow] = found ?? [];
  if (!found || (fromColumn === '' && fromRow === '')) throw invalid(`Unable to parse range: ${range}`);
  const isCell = toColumn === undefined;
  const lastColumn = isCell ? fromColumn : toColumn;
  const lastRow = isCell ? fromRow : (toRow ?? '');
  return {
    title: named,
    isCell,
    area: {
      startRow: fromRow === '' ? 0 : Number(fromRow) - 1,
      endRow: lastRow === '' ? undefined : Number(lastRow),
      startColumn: fromColumn === '' ? 0 : columnNumber(fromColumn),
      endColumn: lastColumn === '' ? undefined : columnNumber(lastColumn) + 1,
    },
  };
}

export function columnNumber(letters: string): number {
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

export function columnLetters(index: number): string {
  const rest = Math.floor(index / 26);
  return (rest > 0 ? columnLetters(rest - 1) : '') + String.fromCharCode(65 + (index % 26));
}

export function printRange(title: string, { startRow, endRow, startColumn, endColumn }: Required<Area>): string {
  const name = /^[A-Za-z_]\w*$/.test(title) ? title : `'${title.replaceAll("'", "''")}'`;
  const from = `${columnLetters(startColumn)}${String(startRow + 1)}`;
  const to = `${columnLetters((endColumn ?? 1) - 1)}${String(endRow ?? 1)}`;
  return from === to ? `${name}!${from}` : `${name}!${from}:${to}`;
}
