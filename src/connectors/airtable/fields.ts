import { Fault } from '../../model/fault.ts';
import type { FieldType } from '../../model/field-type.ts';
import type { FieldProblem, FieldValue, Fields, RemoteRecord } from '../../model/record.ts';
import type { AirtableField, AirtableRecord, AirtableTable } from './client.ts';

interface Kind {
  readonly type: FieldType;
  readonly writable: boolean;
  readonly note?: string;
}

const text = { type: 'string', writable: true } as const;
const number = { type: 'number', writable: true, note: 'A double: more than 15 digits are refused.' } as const;
const shown = { type: 'json', writable: false } as const;

/** Every type of field; a type that is not here yet is shown as JSON and never written. */
export const KINDS: Readonly<Record<string, Kind>> = {
  singleLineText: text,
  multilineText: text,
  richText: { ...text, note: 'Airtable may add a line break at the end.' },
  email: { type: 'email-address', writable: true },
  url: { type: 'uri', writable: true },
  phoneNumber: text,
  number,
  currency: number,
  percent: { ...number, note: '12.3 % is 0.123.' },
  duration: { ...number, note: 'Seconds.' },
  rating: { ...number, note: '0 is not allowed: empty is null.' },
  checkbox: { type: 'boolean', writable: true, note: 'Airtable leaves out what is not checked: that is false.' },
  date: { type: 'date', writable: true },
  dateTime: { type: 'date-time', writable: true, note: 'Kept to the millisecond.' },
  singleSelect: { ...text, note: 'A choice that does not exist is refused, unless typecast is on.' },
  multipleSelects: { type: 'json', writable: true },
  multipleRecordLinks: {
    type: 'json',
    writable: true,
    note: 'Ids of records; a field that prefers a single link is one text.',
  },
  multipleAttachments: {
    type: 'json',
    writable: true,
    note: 'Shown without their addresses, which expire; written as [{"url": …}].',
  },
  singleCollaborator: { type: 'json', writable: true },
  multipleCollaborators: { type: 'json', writable: true },
  barcode: { type: 'json', writable: true },
  createdTime: { type: 'date-time', writable: false },
  lastModifiedTime: { type: 'date-time', writable: false },
  count: { type: 'number', writable: false },
  autoNumber: { type: 'number', writable: false },
  createdBy: shown,
  lastModifiedBy: shown,
  formula: { ...shown, note: 'Has the type of its result.' },
  rollup: { ...shown, note: 'Has the type of its result.' },
  multipleLookupValues: shown,
  button: shown,
  aiText: { type: 'string', writable: false },
  externalSyncSource: shown,
};

export function kindOf(field: AirtableField): Kind {
  if (field.type === 'formula' || field.type === 'rollup') {
    const result = KINDS[field.options?.result?.type ?? ''];
    return { type: result?.type ?? 'json', writable: false };
  }
  if (isSingleLink(field)) return { type: 'string', writable: true };
  return KINDS[field.type] ?? shown;
}

function isSingleLink({ type, options }: AirtableField): boolean {
  return type === 'multipleRecordLinks' && options?.prefersSingleRecordLink === true;
}

/** A column is named by the field's id, or by its name where somebody mapped it so. */
export function fieldNamed(table: AirtableTable, name: string): AirtableField {
  const found = table.fields.find(({ id }) => id === name) ?? table.fields.find((field) => field.name === name);
  if (found !== undefined) return found;
  throw new Fault('MAPPING_FIELD_MISSING', `The table "${table.name}" has no field "${name}".`, {
    column: name,
    suggestion: 'Call tideway.discover(...) and map the column by its id, which no renaming changes.',
  });
}

export function toRecord(table: AirtableTable, record: AirtableRecord, columns: readonly string[]): RemoteRecord {
  const problems: FieldProblem[] = [];
  const fields: Record<string, FieldValue> = {};
  for (const column of columns) {
    const field = fieldNamed(table, column);
    const value = record.fields[field.id];
    const message = problemOf(value);
    if (message === undefined) fields[column] = fromAirtable(field, value);
    else problems.push({ column, message });
  }
  return { id: record.id, fields, ...(problems.length > 0 ? { problems } : {}) };
}

/** What a formula shows when it cannot be computed. */
function problemOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { error, specialValue, state } = value as Readonly<Record<string, unknown>>;
  if (typeof error === 'string') return `The field shows ${error}.`;
  if (typeof specialValue === 'string') return `The field shows ${specialValue}, which is no number here.`;
  return state === 'error' ? 'The field could not be written by its model.' : undefined;
}

function fromAirtable(field: AirtableField, value: unknown): FieldValue {
  const type = field.type === 'formula' || field.type === 'rollup' ? field.options?.result?.type : field.type;
  if (value === undefined || value === null) return type === 'checkbox' ? false : null;
  if (field.type === 'aiText') return ((value as { value?: string | null }).value ?? null) || null;
  if (field.type === 'multipleAttachments' && Array.isArray(value)) {
    return (value as Readonly<Record<string, FieldValue>>[]).map(
      ({ id = null, filename = null, size = null, type: media = null }) => ({
        id,
        filename,
        size,
        type: media,
      }),
    );
  }
  if (isSingleLink(field) && Array.isArray(value)) return (value[0] as string | undefined) ?? null;
  return value as FieldValue;
}

/** Values as the app takes them; names the column where one cannot be. */
export function toAirtable(table: AirtableTable, fields: Fields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([column, value]) => {
      const field = fieldNamed(table, column);
      if (!kindOf(field).writable) {
        throw new Fault('VALUE_REFUSED', `"${field.name}" is computed by Airtable and cannot be written.`, { column });
      }
      return [field.id, sent(field, column, value)];
    }),
  );
}

function sent(field: AirtableField, column: string, value: FieldValue): unknown {
  if (value === null) return field.type === 'checkbox' ? false : null;
  const { type } = kindOf(field);
  if (type === 'number' && typeof value === 'string') {
    const exact = Number(value);
    if (isExact(value, exact)) return exact;
    throw new Fault(
      'NUMERIC_OUT_OF_RANGE',
      `"${field.name}" takes a number of at most 15 digits, not ${JSON.stringify(value)}.`,
      {
        column,
        suggestion: 'Map it to a text field, or round it with a transform.',
      },
    );
  }
  if (type === 'date-time' && typeof value === 'string' && !Number.isNaN(Date.parse(value)))
    return new Date(value).toISOString();
  if (isSingleLink(field)) return [value];
  if (type === 'string') return typeof value === 'object' ? JSON.stringify(value) : String(value);
  return value;
}

function isExact(text: string, value: number): boolean {
  const plain = /^-?\d+(?:\.\d+)?$/.exec(text)?.[0];
  if (plain === undefined || !Number.isFinite(value)) return false;
  return plain.replace(/^-?0*|\.0*$|(?<=\.\d*)0+$|\D/g, '').length <= 15;
}
