import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { RemoteTable } from '../../model/remote-table.ts';
import type { AppType, Connector, Description, Session } from '../connector.ts';
import { createNetsuiteClient, type NetsuiteClient } from './client.ts';
import { findByKey, readByIds, readPage } from './reading.ts';
import { baseOf, netsuiteSettings, realmOf, type NetsuiteSettings } from './settings.ts';
import { readKinds, queryName, sourceOf, STOCK_TABLE, TABLES, type Kind } from './tables.ts';
import { writeBatch } from './writing.ts';

const TYPES: readonly AppType[] = [
  { name: 'text', type: 'string', writable: true, note: 'An empty text is no value.' },
  { name: 'number', type: 'number', writable: true, note: 'Written as a double.' },
  { name: 'boolean', type: 'boolean', writable: true },
  { name: 'date', type: 'date', writable: true, note: 'A day of the account’s own zone.' },
  { name: 'datetime', type: 'date-time', writable: true, note: 'Read to the second.' },
  { name: 'reference', type: 'string', writable: true, note: 'The internal id of the other record.' },
];

export const netsuite: Connector<NetsuiteSettings> = {
  describe: (settings) => describe(settings ?? netsuiteSettings.parse({ account_id: '0' })),

  origins: (settings) => [new URL(baseOf(settings)).origin],

  identify: async (session) => {
    await createNetsuiteClient(session).query('SELECT 1 AS one FROM dual', 1);
    const account = realmOf(session.settings);
    return { id: account, title: `NetSuite ${account}` };
  },

  discover,
  readPage,
  readByIds,
  findByKey,
  writeBatch,
};

const catalogue = z.object({ items: z.array(z.object({ name: z.string() })) });

async function discover(
  session: Session<NetsuiteSettings>,
  wanted?: readonly string[],
): Promise<readonly RemoteTable[]> {
  const client = createNetsuiteClient(session);
  const { items } = await client.json(catalogue, '/services/rest/record/v1/metadata-catalog');
  const listed = new Map(items.map(({ name }) => [name.toLowerCase(), name]));
  const custom = items.map(({ name }) => name).filter((name) => name.startsWith('customrecord'));
  const names = [...TABLES.filter((name) => name === STOCK_TABLE || listed.has(name.toLowerCase())), ...custom];
  const tables: RemoteTable[] = [];
  for (const name of names.filter((table) => wanted?.includes(table) ?? true)) {
    const table = await look(client, name);
    if (table !== null) tables.push(table);
  }
  return tables;
}

/** What the catalogue lists and queries do not know cannot be read: NetSuite names one such column at a time. */
async function look(client: NetsuiteClient, name: string): Promise<RemoteTable | null> {
  const source = sourceOf(name);
  if (source === null) return null;
  let kinds: [string, Kind][];
  try {
    kinds = [...(await readKinds(client, name))];
  } catch (error) {
    if (error instanceof Fault && error.facts.code === 'TABLE_MISSING') return null;
    throw error;
  }
  for (;;) {
    const columns = kinds.map(([column]) => `t.${queryName(column)}`).join(', ');
    try {
      await client.query(`SELECT ${columns} FROM ${source.from} t ORDER BY t.${source.keys[0] ?? 'id'}`, 1);
      break;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (error.facts.code === 'TABLE_MISSING') return null;
      const unknown = /(?:Unknown identifier|Field) '([^']+)'/.exec(error.message)?.[1]?.toLowerCase();
      const left = kinds.filter(([column]) => queryName(column) !== unknown);
      if (error.facts.code !== 'MAPPING_FIELD_MISSING' || left.length === kinds.length) throw error;
      if (left.length === 0) return null;
      kinds = left;
    }
  }
  const stock = name === STOCK_TABLE;
  return {
    name,
    columns: kinds.map(([column, { title, type, appType }]) => ({
      name: column,
      ...(title === undefined ? {} : { title }),
      type,
      appType,
      writable: source.writable && !READ_ONLY.has(column),
      required: stock && ['item', 'location', 'quantityOnHand'].includes(column),
    })),
    capabilities: {
      create: source.writable,
      update: source.writable,
      delete: source.writable && !stock,
      changes: source.modified !== null,
      findBy: true,
    },
  };
}

const READ_ONLY: ReadonlySet<string> = new Set([
  'id',
  'averageCost',
  'createdDate',
  'dateCreated',
  'lastModifiedDate',
  'lastPurchasePrice',
  'quantityAvailable',
  'quantityCommitted',
  'status',
  'subtotal',
  'total',
]);

function describe(settings: NetsuiteSettings): Description<NetsuiteSettings> {
  return {
    title: 'NetSuite',
    settings: netsuiteSettings,
    secret: {
      required: true,
      hint: 'A JSON object: client_id, certificate_id and private_key, or consumer_key, consumer_secret, token_id and token_secret.',
    },
    types: TYPES,
    limits: {
      recordsPerPage: 1000,
      rowsPerWrite: 10,
      idsPerRead: 500,
      keysPerFind: 100,
      rates: {
        requestsPerSecond: settings.requests_per_second,
        burst: settings.concurrency,
        concurrency: settings.concurrency,
        penalty: 1000,
      },
    },
    timing: {
      writeVisibleAfter: 0,
      searchVisibleAfter: 0,
      requestLife: settings.request_life,
      changesOverlap: settings.overlap,
    },
    capabilities: {
      partialUpdate: true,
      delete: 'permanent',
      compareAndSet: 'none',
      idempotencyKeys: 'create',
      changes: 'modified_time',
      reportsDeletions: settings.deletions,
      dateTimes: 'account',
    },
  };
}
