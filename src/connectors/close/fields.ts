import { Fault } from '../../model/fault.ts';
import type { FieldValue, Fields, RemoteRecord } from '../../model/record.ts';
import type { CloseRow } from './client.ts';
import type { CloseSettings } from './settings.ts';
import { columnOf, type CloseColumn, type CloseTable } from './tables.ts';

export type Amounts = CloseSettings['amounts'];

/** The properties to ask for, so that a page carries no more than its columns. */
export function propertiesOf(table: CloseTable, columns: readonly string[]): string[] {
  const wanted = columns.map((name) => columnOf(table, name)?.firstOf?.list ?? name);
  const times = table.read === 'whole' ? [] : ['date_created', 'date_updated'];
  return [...new Set(['id', ...times, ...wanted])];
}

export function toRecord(table: CloseTable, row: CloseRow, columns: readonly string[], amounts: Amounts): RemoteRecord {
  const modified = row['date_updated'];
  return {
    id: row.id,
    fields: Object.fromEntries(
      columns.map((name) => {
        const column = columnOf(table, name);
        if (column === undefined) throw missing(table, name);
        return [name, shown(column, row, amounts)];
      }),
    ),
    ...(typeof modified === 'string' && modified !== '' ? { modifiedAt: zoned(modified) } : {}),
  };
}

function shown(column: CloseColumn, row: CloseRow, amounts: Amounts): FieldValue {
  const { name, kind, firstOf } = column;
  const value = firstOf === undefined ? row[name] : listOf(row[firstOf.list])[0]?.[firstOf.part];
  // The app leaves out what holds nothing; an empty text or list is nothing too.
  if (value === undefined || value === null || value === '') return null;
  if (Array.isArray(value) && value.length === 0) return null;
  switch (kind) {
    case 'cents':
      return amounts === 'cents' ? (value as FieldValue) : unitsOf(textOf(value));
    case 'date':
      return textOf(value).slice(0, 10);
    case 'moment':
      return zoned(textOf(value));
    case 'list':
      return listOf(value).map((item) => partsOf(column, item));
    case 'text':
    case 'uri':
    case 'reference':
    case 'choice':
    case 'first':
      return textOf(value);
    case 'integer':
    case 'number':
    case 'boolean':
    case 'json':
      return value as FieldValue;
  }
}

/** Some of the app's times have no zone; they are UTC. */
export function zoned(time: string): string {
  return /(Z|[+-]\d\d:?\d\d)$/i.test(time) ? time : `${time}Z`;
}

type Item = Readonly<Record<string, unknown>>;

function listOf(value: unknown): readonly Item[] {
  return Array.isArray(value)
    ? value.filter((item): item is Item => typeof item === 'object' && item !== null && !Array.isArray(item))
    : [];
}

/** An item without what the app computes or leaves empty, so that it comes back as it went. */
function partsOf({ parts = [] }: CloseColumn, item: Item): Readonly<Record<string, FieldValue>> {
  return Object.fromEntries(
    parts.flatMap((part) => {
      const value = item[part];
      return value === undefined || value === null || value === '' ? [] : [[part, value as FieldValue]];
    }),
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function unitsOf(cents: string): string {
  const [, sign = '', digits] = /^(-?)(\d+)$/.exec(cents) ?? [];
  if (digits === undefined) throw new Fault('BAD_RESPONSE', `An amount of the app is no whole number: ${cents}.`);
  const padded = digits.padStart(3, '0');
  const fraction = padded.slice(-2).replace(/0+$/, '');
  return `${sign}${padded.slice(0, -2)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Whether a write of these fields has to know the record as it is. */
export function needsPresent(table: CloseTable, fields: Fields): boolean {
  return Object.keys(fields).some((name) => {
    const firstOf = columnOf(table, name)?.firstOf;
    return firstOf !== undefined && !Object.hasOwn(fields, firstOf.list);
  });
}

/** The body of a write. The app takes unknown names without a word, so they are refused here. */
export function toBody(
  table: CloseTable,
  fields: Fields,
  amounts: Amounts,
  present?: CloseRow,
): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  const firsts: (readonly [CloseColumn, FieldValue])[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const column = columnOf(table, name);
    if (column === undefined) throw missing(table, name);
    if (!column.writable) throw new Fault('VALUE_REFUSED', `Close computes "${name}" itself.`, { column: name });
    if (column.required && value === null) throw needed(table, name);
    if (column.firstOf === undefined) body[name] = sent(column, value, amounts);
    else firsts.push([column, value]);
  }
  for (const [column, value] of firsts) {
    const { list = '', part = '' } = column.firstOf ?? {};
    const items = listOf(body[list] ?? present?.[list]);
    body[list] = withFirst(columnOf(table, list), items, part, value);
  }
  return body;
}

/** A list is replaced as a whole, so what follows its first item is sent again as it is. */
function withFirst(
  column: CloseColumn | undefined,
  items: readonly Item[],
  part: string,
  value: FieldValue,
): readonly Item[] {
  const [first, ...rest] = column === undefined ? items : items.map((item) => partsOf(column, item));
  if (value === null) return rest;
  return [{ type: 'office', ...first, [part]: textOf(value) }, ...rest];
}

/** Without a lead the app would make an empty one, without a word. */
export function checkNew(table: CloseTable, fields: Fields): void {
  for (const { name, required } of table.columns) {
    if (required && (fields[name] ?? null) === null) throw needed(table, name);
  }
}

function needed({ name: table }: CloseTable, name: string): Fault {
  return new Fault('VALUE_REFUSED', `A record of "${table}" needs "${name}", the id of its lead.`, {
    column: name,
    suggestion: 'Map the leads too, and give the column the id of the lead that it belongs to.',
  });
}

function missing({ name: table }: CloseTable, name: string): Fault {
  return new Fault('MAPPING_FIELD_MISSING', `The table "${table}" of Close has no column "${name}".`, {
    column: name,
  });
}

function sent({ name, kind }: CloseColumn, value: FieldValue, amounts: Amounts): unknown {
  const refuse = (wanted: string): Fault =>
    new Fault('VALUE_REFUSED', `"${name}" takes ${wanted}, not ${JSON.stringify(value).slice(0, 80)}.`, {
      column: name,
    });
  if (value === null) return kind === 'list' ? [] : kind === 'boolean' ? false : null;
  switch (kind) {
    case 'text':
    case 'uri':
    case 'reference':
    case 'choice':
    case 'first':
      if (typeof value === 'object') throw refuse('a text');
      return String(value);
    case 'cents': {
      const number = amounts === 'cents' ? wholeOf(value) : centsOf(value);
      if (number === undefined)
        throw refuse(amounts === 'cents' ? 'a whole number' : 'an amount of at most two decimals');
      return number;
    }
    case 'integer': {
      const number = wholeOf(value);
      if (number === undefined) throw refuse('a whole number');
      return number;
    }
    case 'boolean':
      if (typeof value !== 'boolean') throw refuse('true or false');
      return value;
    case 'date':
    case 'moment':
      if (typeof value !== 'string' || Number.isNaN(Date.parse(value)))
        throw refuse(kind === 'date' ? 'a date' : 'a date-time');
      return value;
    case 'list':
      if (!Array.isArray(value)) throw refuse('a list of objects');
      return value;
    case 'number':
    case 'json':
      return value;
  }
}

function wholeOf(value: FieldValue): number | undefined {
  const text = textOf(value);
  const number = Number(text);
  return /^-?\d+$/.test(text) && Number.isSafeInteger(number) ? number : undefined;
}

function centsOf(value: FieldValue): number | undefined {
  const [, sign = '', units = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(textOf(value)) ?? [];
  const cents = fraction.replace(/0+$/, '');
  if (units === '' || cents.length > 2) return undefined;
  return wholeOf(`${sign}${units}${cents.padEnd(2, '0')}`);
}
