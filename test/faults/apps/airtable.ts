import { startAirtableApp } from '../../apps/airtable/airtable-app.ts';
import type { Values } from '../history.ts';
import { text, type AppKind } from './app-kind.ts';

const TOKEN = 'patFaults.0123456789abcdef';
const BASE = 'appFaults00000001';
const [KEY, NAME, QTY] = ['fldKey0000000001', 'fldName000000001', 'fldQty0000000001'] as const;
const TABLE = {
  id: 'tblItems000000001',
  name: 'Items',
  fields: [
    { id: KEY, name: 'Key', type: 'singleLineText' },
    { id: NAME, name: 'Name', type: 'singleLineText' },
    { id: QTY, name: 'Count', type: 'number' },
  ],
} as const;

export const airtable: AppKind = {
  name: 'airtable',
  system: 'airtable',
  env: { AIRTABLE_TOKEN: TOKEN },
  secret: 'env:AIRTABLE_TOKEN',
  remote: TABLE.id,
  types: { id: 'text', name: 'text', qty: 'integer' },
  columns: [
    { local: 'id', remote: KEY },
    { local: 'name', remote: NAME },
    { local: 'qty', remote: QTY, type: 'number' },
  ],
  settings: ({ gate }) => ({ base_id: BASE, base_url: gate, requests_per_second: 5 }),
  isRead: ({ method, url = '' }) => ours(url) && (method === 'GET' || url.includes('listRecords')),
  isWrite: ({ method, url = '' }) => ours(url) && method !== 'GET' && !url.includes('listRecords'),
  throttled: {
    kind: 'status',
    status: 429,
    body: '{"error":{"type":"RATE_LIMIT_REACHED","message":"Rate limit exceeded. Please try again later"}}',
  },
  sulks: true,
  blind: 'writes',
  start: async () => {
    const app = await startAirtableApp({ token: TOKEN, baseId: BASE, tables: [TABLE] });
    return {
      url: app.url,
      records: () =>
        app.rows(TABLE.id).map(({ id, fields }) => ({
          id,
          values: { id: text(fields[KEY]), name: text(fields[NAME]), qty: text(fields[QTY]) },
        })),
      create: (values) => app.add(TABLE.id, cells(values)).id,
      edit: (id, change) => {
        app.edit(TABLE.id, id, cells(change));
      },
      remove: (id) => {
        app.remove(TABLE.id, id);
      },
      stop: () => app.stop(),
    };
  },
};

function ours(url: string): boolean {
  return url.startsWith(`/v0/${BASE}/`);
}

function cells({ id, name, qty }: Partial<Values>): Record<string, unknown> {
  return {
    ...(id === undefined ? {} : { [KEY]: id }),
    ...(name === undefined ? {} : { [NAME]: name === 'null' ? null : name }),
    ...(qty === undefined ? {} : { [QTY]: qty === 'null' ? null : Number(qty) }),
  };
}
