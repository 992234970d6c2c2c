import { Fault } from '../../model/fault.ts';
import type { FieldValue, Fields, RemoteRecord } from '../../model/record.ts';
import { columnOf, type WooColumn, type WooKind, type WooTable } from './tables.ts';

export type WooRow = Readonly<Record<string, unknown>> & { readonly id: number };

/** The id above the connector: a variation is found again only below its product. */
export function idOf(table: WooTable, row: WooRow): string {
  return table.ofProduct ? `${String(row['parent_id'])}/${String(row.id)}` : String(row.id);
}

/** The properties to ask for, so that a page carries no more than its columns. */
export function propertiesOf(table: WooTable, columns: readonly string[]): string {
  const wanted = columns.map((name) => (name.startsWith('meta:') ? 'meta_data' : (name.split('.')[0] ?? name)));
  const always = ['id', 'status', 'date_modified_gmt', ...(table.ofProduct ? ['parent_id'] : [])];
  return [...new Set([...always, ...wanted])].join(',');
}

export function toRecord(table: WooTable, row: WooRow, columns: readonly string[]): RemoteRecord {
  const modified = row['date_modified_gmt'];
  return {
    id: idOf(table, row),
    fields: Object.fromEntries(columns.map((name) => [name, shown(row, columnOf(table, name))])),
    ...(typeof modified === 'string' && modified !== '' ? { modifiedAt: `${modified}Z` } : {}),
  };
}

function shown(row: WooRow, { name, kind }: WooColumn): FieldValue {
  const value = kind === 'meta' ? metaOf(row, name) : property(row, name);
  if (value === undefined || value === null) return null;
  if (kind === 'reference') return value === 0 || value === '' ? null : (value as FieldValue);
  if (!TEXTS.has(kind)) return value as FieldValue;
  // An empty text and no value are the same in the app.
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text === '') return null;
  return kind === 'moment' ? `${text}Z` : text;
}

const TEXTS: ReadonlySet<WooKind> = new Set(['text', 'email', 'uri', 'image', 'amount', 'moment']);

function property(row: WooRow, name: string): unknown {
  const [outer = '', inner] = name.split('.');
  const value = row[outer];
  if (inner === undefined) return value;
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[inner] : undefined;
}

interface Meta {
  readonly id: number;
  readonly key: string;
  readonly value: unknown;
}

/** Of several entries with one key the first counts: it is the one that a write changes. */
function metaEntry(row: WooRow, key: string): Meta | undefined {
  const entries = row['meta_data'];
  return Array.isArray(entries) ? (entries as Meta[]).find((entry) => entry.key === key) : undefined;
}

function metaOf(row: WooRow, name: string): unknown {
  return metaEntry(row, name.slice('meta:'.length))?.value;
}

/**
 * The body of a write. Batches are not checked by the app: a price that is no number would silently become empty,
 * so everything is checked here. `present` is the record as it is, needed to take meta data away.
 */
export function toBody(table: WooTable, fields: Fields, present?: WooRow): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  const meta: unknown[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const column = columnOf(table, name);
    if (column.kind === 'meta') {
      const key = name.slice('meta:'.length);
      const entry = present && metaEntry(present, key);
      if (value !== null) meta.push({ key, value });
      else if (entry !== undefined) meta.push({ id: entry.id, key, value: null });
      continue;
    }
    // Which product a variation belongs to is part of its address.
    if (table.ofProduct && name === 'parent_id') continue;
    const [outer = '', inner] = name.split('.');
    const given = sent(column, value);
    if (inner === undefined) body[outer] = given;
    else body[outer] = { ...(body[outer] as object | undefined), [inner]: given };
  }
  return meta.length > 0 ? { ...body, meta_data: meta } : body;
}

function sent({ name, kind }: WooColumn, value: FieldValue): unknown {
  const refuse = (wanted: string): Fault =>
    new Fault('VALUE_REFUSED', `"${name}" takes ${wanted}, not ${JSON.stringify(value).slice(0, 80)}.`, {
      column: name,
    });
  switch (kind) {
    case 'text':
    case 'email':
    case 'uri':
    case 'image':
      if (value === null) return '';
      if (typeof value === 'object') throw refuse('a text');
      return String(value);
    case 'amount':
      if (value === null) return '';
      if (!isNumber(value)) throw refuse('a number');
      return String(value);
    case 'integer':
    case 'reference':
      if (value === null) return kind === 'reference' ? 0 : null;
      if (!isNumber(value) || !Number.isSafeInteger(Number(value))) throw refuse('a whole number');
      return Number(value);
    case 'boolean':
      // A variation may say "parent".
      if (value !== null && typeof value !== 'boolean' && value !== 'parent') throw refuse('true or false');
      return value ?? false;
    case 'moment': {
      if (value === null) return null;
      const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(at)) throw refuse('a date-time');
      return new Date(at).toISOString().slice(0, 19);
    }
    case 'json':
    case 'meta':
      return value;
  }
}

function isNumber(value: FieldValue): value is string | number {
  return typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value));
}
