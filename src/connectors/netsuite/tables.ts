import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { FieldType } from '../../model/field-type.ts';
import type { NetsuiteClient } from './client.ts';

/** How one record type of the record service is read by queries, which know other names. */
export interface Source {
  /** The table in queries. */
  readonly from: string;
  /** The columns that together name a row. */
  readonly keys: readonly string[];
  /** Which of its rows are of this record type. */
  readonly only?: string;
  /** The column that says when a row was changed; null where there is none. */
  readonly modified: string | null;
  readonly writable: boolean;
}

const item = (type: string): Source => ({
  from: 'item',
  keys: ['id'],
  only: `t.itemtype = '${type}'`,
  modified: 'lastmodifieddate',
  writable: true,
});
const transaction = (type: string): Source => ({
  from: 'transaction',
  keys: ['id'],
  only: `t.type = '${type}'`,
  modified: 'lastmodifieddate',
  writable: true,
});
const list = (from: string): Source => ({ from, keys: ['id'], modified: null, writable: false });

const SOURCES: ReadonlyMap<string, Source> = new Map([
  ['assemblyItem', item('Assembly')],
  ['cashSale', transaction('CashSale')],
  ['creditMemo', transaction('CustCred')],
  ['currency', list('currency')],
  ['customer', { from: 'customer', keys: ['id'], modified: 'lastmodifieddate', writable: true }],
  ['inventoryItem', item('InvtPart')],
  ['invoice', transaction('CustInvc')],
  ['itemFulfillment', transaction('ItemShip')],
  ['kitItem', item('Kit')],
  ['location', list('location')],
  ['nonInventorySaleItem', item('NonInvtPart')],
  ['salesOrder', transaction('SalesOrd')],
  [
    'stock',
    {
      from: 'aggregateitemlocation',
      keys: ['item', 'location'],
      modified: 'lastquantityavailablechange',
      writable: true,
    },
  ],
  ['subsidiary', list('subsidiary')],
]);

const ref = (title: string): Kind => ({ type: 'string', appType: 'reference', title });
const quantity = (title: string): Kind => ({ type: 'number', appType: 'number', title });

/** Stock of one item at one location; the record service has no such type. */
const STOCK: ReadonlyMap<string, Kind> = new Map([
  ['item', ref('Item')],
  ['location', ref('Location')],
  ['quantityOnHand', quantity('On hand')],
  ['quantityAvailable', quantity('Available')],
  ['quantityCommitted', quantity('Committed')],
]);

export const STOCK_TABLE = 'stock';

/** The tables that every account may have, besides its custom records. */
export const TABLES: readonly string[] = [...SOURCES.keys()];

/** Null: no table that Tideway can read. */
export function sourceOf(table: string): Source | null {
  const known = SOURCES.get(table);
  if (known !== undefined) return known;
  return /^customrecord_?\w+$/.test(table)
    ? { from: table, keys: ['id'], modified: 'lastmodified', writable: true }
    : null;
}

export function knownSource(table: string): Source {
  const source = sourceOf(table);
  if (source !== null) return source;
  throw new Fault('TABLE_MISSING', `NetSuite has no table "${table}" that Tideway reads.`, {
    suggestion: 'Map one that tideway.remote_tables lists.',
  });
}

/** What a column is to the record service. */
export interface Kind {
  readonly type: FieldType;
  readonly appType: 'text' | 'number' | 'boolean' | 'date' | 'datetime' | 'reference';
  readonly title: string | undefined;
}

const property = z.looseObject({
  type: z.string().optional(),
  format: z.string().optional(),
  title: z.string().optional(),
  $ref: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
});
const schema = z.looseObject({ properties: z.record(z.string(), property) });

/** Milliseconds: pages and writes need not ask for the same columns again and again. */
const KINDS_LAST = 300_000;

/** The columns of a record type, custom fields included; sublists and subrecords are none. Up to five minutes old. */
export function kindsOf(client: NetsuiteClient, table: string): Promise<ReadonlyMap<string, Kind>> {
  return client.memory.remember(`kinds ${table}`, KINDS_LAST, () => readKinds(client, table));
}

/** As `kindsOf`, asked now. */
export async function readKinds(client: NetsuiteClient, table: string): Promise<ReadonlyMap<string, Kind>> {
  if (table === STOCK_TABLE) return STOCK;
  const path = `/services/rest/record/v1/metadata-catalog/${encodeURIComponent(table)}`;
  const { properties } = await client.json(schema, path, 'application/schema+json');
  return new Map(
    Object.entries(properties).flatMap(([name, given]) => {
      const kind = kindOf(given);
      return kind === null || name === 'links' || name === 'refName' ? [] : [[name, kind]];
    }),
  );
}

function kindOf({ type, format, title, $ref, properties = {} }: z.infer<typeof property>): Kind | null {
  if ($ref?.endsWith('/nsLink') === true || (type === 'object' && 'id' in properties && 'refName' in properties)) {
    return { type: 'string', appType: 'reference', title };
  }
  if (type === 'boolean') return { type: 'boolean', appType: 'boolean', title };
  if (type === 'number' || type === 'integer') return { type: 'number', appType: 'number', title };
  if (type !== 'string') return null;
  if (format === 'date') return { type: 'date', appType: 'date', title };
  if (format === 'date-time') return { type: 'date-time', appType: 'datetime', title };
  return { type: 'string', appType: 'text', title };
}

const SPELLED_OTHERWISE: Readonly<Record<string, string>> = { total: 'foreigntotal' };

/** The column's name in queries. */
export function queryName(column: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(column)) {
    throw new Fault('MAPPING_FIELD_MISSING', `"${column.slice(0, 60)}" cannot be the name of a column in NetSuite.`);
  }
  return SPELLED_OTHERWISE[column] ?? column.toLowerCase();
}
