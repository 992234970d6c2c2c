import type { FieldType } from '../../model/field-type.ts';
import { Fault } from '../../model/fault.ts';
import type { FieldValue } from '../../model/record.ts';
import {
  dateTimeToSerial,
  dateToSerial,
  durationToSerial,
  serialToDate,
  serialToDateTime,
  serialToDuration,
  serialToTime,
  timeToSerial,
  type Zone,
} from './serial.ts';
import type { Kind } from './settings.ts';
import { EMPTY, type Cell, type Primitive, type Sheet, type SheetColumn } from './sheet.ts';

const LONGEST_TEXT = 50_000;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

type Shown = { readonly value: FieldValue } | { readonly problem: string };

/** What a cell says above the connector, or why that cannot be said. */
export function showCell(found: Cell | undefined, column: SheetColumn, zone: Zone): Shown {
  const { value, error, format, merged } = found ?? EMPTY;
  if (merged) return { problem: 'The cell is covered by a merged cell, so nobody sees what it holds. Unmerge it.' };
  if (error !== undefined) return { problem: `The cell shows an error: ${error}` };
  if (value === null || value === '') return { value: null };
  const dates = asDates(format) ?? (format === undefined ? column.dates : undefined);
  const { declared } = column;
  if (declared === undefined) {
    return typeof value === 'number' && dates !== undefined ? showSerial(value, dates, zone) : { value };
  }
  switch (declared) {
    case 'string':
      if (typeof value === 'boolean') return { value: value ? 'TRUE' : 'FALSE' };
      if (typeof value === 'number')
        return dates === undefined ? { value: plain(value) } : showSerial(value, dates, zone);
      return { value };
    case 'number':
      return typeof value === 'number' || (typeof value === 'string' && NUMBER.test(value))
        ? { value }
        : { problem: `${JSON.stringify(value)} is not a number.` };
    case 'boolean':
      return typeof value === 'boolean' ? { value } : { problem: `${JSON.stringify(value)} is not TRUE or FALSE.` };
    case 'date':
    case 'date-time':
    case 'time':
    case 'duration':
      if (typeof value === 'number') return showSerial(value, declared, zone);
      if (typeof value === 'string' && toSerial(value, declared, zone) !== undefined) return { value };
      return { problem: `${JSON.stringify(value)} is not a ${declared}.` };
  }
}

function asDates(format: Cell['format']): Kind | undefined {
  return format === 'other' ? undefined : format;
}

function showSerial(serial: number, kind: Kind, zone: Zone): Shown {
  const value =
    kind === 'date'
      ? serialToDate(serial)
      : kind === 'date-time'
        ? serialToDateTime(serial, zone)
        : kind === 'time'
          ? serialToTime(serial)
          : serialToDuration(serial);
  return value === undefined ? { problem: `${String(serial)} days is outside what a ${kind} can be.` } : { value };
}

function toSerial(text: string, kind: Kind, zone: Zone): number | undefined {
  if (kind === 'date') return dateToSerial(text);
  if (kind === 'date-time') return dateTimeToSerial(text, zone);
  return kind === 'time' ? timeToSerial(text) : durationToSerial(text);
}

/** Digits without an exponent, as people write them. */
function plain(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 20 }) : text;
}

/** What is written for a value: RAW takes it as it is, so that no text becomes a formula, a date or a number. */
export function cellValue(
  value: FieldValue,
  { name, declared, dates }: SheetColumn,
  zone: Zone,
): Exclude<Primitive, null> {
  if (value === null) return '';
  if (typeof value === 'boolean' || typeof value === 'number') return value;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text.length > LONGEST_TEXT) {
    throw new Fault('VALUE_TOO_LONG', `A cell holds ${String(LONGEST_TEXT)} characters, not ${String(text.length)}.`, {
      column: name,
    });
  }
  const kind = declared ?? dates;
  if (kind === undefined || kind === 'string') return text;
  if (kind === 'number') {
    // A number beyond what a cell keeps exactly stays its text.
    if (NUMBER.test(text)) return String(Number(text)) === text ? Number(text) : text;
  } else if (kind !== 'boolean') {
    const serial = toSerial(text, kind, zone);
    if (serial !== undefined) return serial;
  }
  if (declared === undefined) return text;
  throw new Fault(
    'VALUE_REFUSED',
    `"${text.slice(0, 40)}" is not a ${declared}, which "${name}" is declared to hold.`,
    {
      column: name,
    },
  );
}

/** The key of a row as text; null where it has none. */
export function keyText(value: FieldValue): string | null {
  const text =
    typeof value === 'boolean' ? String(value).toUpperCase() : typeof value === 'number' ? plain(value) : value;
  return typeof text === 'string' && text.trim() !== '' ? text : null;
}

/** What a column holds, as far as its declaration or the rows that were looked at say. */
export function describeColumn(
  sheet: Sheet,
  column: SheetColumn,
): { readonly type: FieldType; readonly appType: string } {
  const cells = sheet.rows
    .map(({ cells: row }) => row[column.index] ?? EMPTY)
    .filter(({ value }) => value !== null && value !== '');
  if (column.declared) return { type: column.declared, appType: column.declared };
  const kinds = new Set(
    cells.map(({ value, format }): Kind => {
      if (typeof value === 'string') return 'string';
      if (typeof value === 'boolean') return 'boolean';
      return asDates(format) ?? column.dates ?? 'number';
    }),
  );
  const [only = column.dates ?? 'string'] = kinds;
  const type = kinds.size > 1 ? 'string' : only;
  const percent = type === 'number' && cells.every(({ numberFormat }) => isPercent(numberFormat));
  return { type, appType: percent ? 'percent' : type };
}

function isPercent(format: unknown): boolean {
  return typeof format === 'object' && format !== null && 'type' in format && format.type === 'PERCENT';
}
