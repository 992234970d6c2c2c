import { Fault } from '../../model/fault.ts';
import type { FieldType } from '../../model/field-type.ts';
import type { FieldValue } from '../../model/record.ts';
import { parseExactJson } from '../../runtime/exact-json.ts';
import type { AppType } from '../connector.ts';

/** Shopify's types by name, and what each becomes. */
export const TYPES: readonly AppType[] = [
  { name: 'ID', type: 'string', writable: false, note: 'The global id, gid://shopify/…' },
  { name: 'String', type: 'string', writable: true },
  { name: 'HTML', type: 'string', writable: true, note: 'Shopify may clean the markup when it keeps it.' },
  { name: 'Enum', type: 'string', writable: true, note: 'In capitals; new values may appear.' },
  { name: 'Email', type: 'email-address', writable: true },
  { name: 'URL', type: 'uri', writable: false },
  { name: 'Boolean', type: 'boolean', writable: true },
  { name: 'Int', type: 'number', writable: true },
  { name: 'UnsignedInt64', type: 'number', writable: false },
  { name: 'Float', type: 'number', writable: true },
  { name: 'Money', type: 'number', writable: true, note: 'Without its currency: the shop’s. Trailing zeros are lost.' },
  { name: 'Decimal', type: 'number', writable: true, note: 'Trailing zeros are lost.' },
  { name: 'DateTime', type: 'date-time', writable: true, note: 'Kept to the second.' },
  { name: 'Date', type: 'date', writable: true },
  { name: '[String]', type: 'json', writable: true, note: 'Tags are trimmed, sorted and each kept once.' },
  { name: 'JSON', type: 'json', writable: true },
  { name: 'metafield', type: 'string', writable: true, note: 'Typed by its definition; see the metafield types.' },
];

export function fieldTypeOf(appType: string): FieldType {
  return TYPES.find(({ name }) => name === appType)?.type ?? 'json';
}

const DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/** A number as plain JSON: a number where a double holds it exactly, else its text. */
export function exactNumber(value: FieldValue): FieldValue {
  if (typeof value !== 'string' || !DECIMAL.test(value)) return value;
  return parseExactJson(value) as FieldValue;
}

/** A number in digits, as Shopify takes it: never with an exponent. */
export function decimalText(value: FieldValue): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string') return undefined;
  if (DECIMAL.test(text)) return text;
  const [, sign = '', whole = '', fraction = '', exponent = ''] =
    /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d{1,3})$/.exec(text) ?? [];
  if (whole === '') return undefined;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return digits.length <= point
    ? `${sign}${digits.padEnd(point, '0').replace(/^0+(?=\d)/, '')}`
    : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** A value as the shop takes it in a column of this type; null stays null. */
export function encode(column: string, appType: string, value: FieldValue): FieldValue {
  if (value === null) return null;
  const kind: string = fieldTypeOf(appType);
  switch (kind) {
    case 'number': {
      const text = decimalText(value);
      if (text === undefined) throw unfit(column, value, 'a number');
      if (appType !== 'Int' && appType !== 'Float') return text;
      const number = Number(text);
      if (appType === 'Int' && !(Number.isInteger(number) && Math.abs(number) < 2 ** 31)) {
        throw unfit(column, value, 'a whole number below 2147483648');
      }
      return number;
    }
    case 'boolean':
      if (typeof value !== 'boolean') throw unfit(column, value, 'true or false');
      return value;
    case 'json':
      if (appType === '[String]' && !(Array.isArray(value) && value.every((one) => typeof one === 'string'))) {
        throw unfit(column, value, 'a JSON array of texts');
      }
      return value;
    case 'date-time': {
      const time = typeof value === 'string' ? Date.parse(value) : NaN;
      if (Number.isNaN(time)) throw unfit(column, value, 'a date-time');
      return seconds(time);
    }
    default:
      if (typeof value === 'string') return value;
      if (typeof value === 'object') throw unfit(column, value, 'a text');
      return String(value);
  }
}

/** A date-time as Shopify writes it: UTC, whole seconds. */
export function seconds(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

/** A value of the shop as Tideway carries it. */
export function decode(appType: string, value: FieldValue): FieldValue {
  return fieldTypeOf(appType) === 'number' ? exactNumber(value) : value;
}

export function unfit(column: string, value: FieldValue, wanted: string): Fault {
  const shown = JSON.stringify(value);
  return new Fault(
    'VALUE_REFUSED',
    `"${column}" takes ${wanted}, not ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}.`,
    { column },
  );
}
