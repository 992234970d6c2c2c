import { Fault } from '../../model/fault.ts';
import type { FieldType } from '../../model/field-type.ts';
import type { FieldValue, Fields, RemoteRecord } from '../../model/record.ts';
import type { AppType } from '../connector.ts';

export const ROW_ID = '$rowID';

export type GlideRow = Fields;

/** Glide's types by their kebab-case names; `v2` writes the same ones in camel case. */
export const TYPES: readonly AppType[] = [
  { name: 'string', type: 'string', writable: true, note: 'An empty text is an empty cell.' },
  { name: 'markdown', type: 'string', writable: true },
  { name: 'phone-number', type: 'string', writable: true, note: 'Free text to Glide.' },
  { name: 'emoji', type: 'string', writable: true },
  { name: 'email-address', type: 'email-address', writable: true, note: 'Glide does not check it.' },
  { name: 'uri', type: 'uri', writable: true },
  { name: 'image-uri', type: 'image-uri', writable: true, note: 'Several files in one cell need the type json.' },
  { name: 'audio-uri', type: 'uri', writable: true },
  {
    name: 'number',
    type: 'number',
    writable: true,
    note: 'A double: some 15 digits; map longer ones to a text column.',
  },
  { name: 'boolean', type: 'boolean', writable: true, note: 'Unset is null, not false.' },
  { name: 'date', type: 'date', writable: true },
  { name: 'time', type: 'time', writable: true },
  { name: 'date-time', type: 'date-time', writable: true, note: 'Kept to the millisecond, in UTC.' },
  { name: 'duration', type: 'json', writable: true, note: 'As Glide shows it: a number or a text.' },
  { name: 'array', type: 'json', writable: true },
  { name: 'json', type: 'json', writable: true },
];

/** `imageURI` is `image-uri`. */
export function kebab(kind: string): string {
  return kind
    .replace(/URI$/, 'Uri')
    .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    .replace(/^-/, '');
}

export function fieldType(kind: string): FieldType {
  return TYPES.find(({ name }) => name === kind)?.type ?? 'json';
}

function rowId(row: GlideRow, table: string): string {
  const id = row[ROW_ID];
  if (typeof id === 'string' && id !== '') return id;
  throw new Fault('BAD_RESPONSE', `A row of "${table}" came without its Row ID.`, {
    retryable: false,
    suggestion: 'Give the table a Row ID column in Glide: without it rows cannot be told apart.',
  });
}

/** The row as the engine wants it: what Glide leaves out, or shows as an empty text, is empty. */
export function toRecord(
  row: GlideRow,
  columns: readonly string[],
  table: string,
  kinds: ReadonlyMap<string, string>,
  version?: string,
): RemoteRecord {
  const fields = columns.map((name): [string, FieldValue] => {
    const value = Object.hasOwn(row, name) ? (row[name] as FieldValue) : null;
    return [name, value === '' ? null : plainTime(value, kinds.get(name))];
  });
  return {
    id: rowId(row, table),
    fields: Object.fromEntries(fields),
    ...(version === undefined ? {} : { version }),
  };
}

const ZONELESS = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?$/;
const MIDNIGHT = /^(\d{4}-\d\d-\d\d)T00:00(:00(\.0+)?)?(Z|\+00:00)?$/;

/** Whether rows hold a time that only the column's type explains: without a zone, or a date in a date-time's dress. */
export function needsKinds(rows: readonly GlideRow[], columns: readonly string[]): boolean {
  return rows.some((row) =>
    columns.some((name) => {
      const value = row[name];
      return typeof value === 'string' && value.length > 15 && (ZONELESS.test(value) || MIDNIGHT.test(value));
    }),
  );
}

function plainTime(value: FieldValue, kind: string | undefined): FieldValue {
  if (typeof value !== 'string') return value;
  if (kind === 'date') return MIDNIGHT.exec(value)?.[1] ?? value;
  return kind === 'date-time' && ZONELESS.test(value) ? `${value}Z` : value;
}

/** What may be sent: a Row ID never, and an empty value as the app wants it. */
export function toCells(fields: Fields, empty: '' | null): Fields {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => name !== ROW_ID)
      .map(([name, value]) => [name, value ?? empty]),
  );
}

/** Numbers may come as texts and the reverse. */
export function keyText(value: FieldValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
