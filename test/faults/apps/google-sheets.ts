import { generateKeyPairSync } from 'node:crypto';
import { startSheetsApp } from '../../apps/google-sheets/sheets-app.ts';
import type { Values } from '../history.ts';
import { text, type AppKind } from './app-kind.ts';

const EMAIL = 'sync@project.iam.gserviceaccount.com';
const DOCUMENT = 'items-document';
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

export const googleSheets: AppKind = {
  name: 'google sheets',
  system: 'google_sheets',
  env: { SHEETS_KEY: JSON.stringify({ client_email: EMAIL, private_key: privateKey }) },
  secret: 'env:SHEETS_KEY',
  remote: '0',
  types: { id: 'text', name: 'text', qty: 'integer' },
  columns: [
    { local: 'id', remote: 'Key' },
    { local: 'name', remote: 'Name' },
    { local: 'qty', remote: 'Count', type: 'number' },
  ],
  settings: ({ gate, app }) => ({
    spreadsheet: DOCUMENT,
    tabs: { 0: { key: 'Key', types: { Key: 'string', Name: 'string', Count: 'number' } } },
    base_url: gate,
    // Tokens are asked of the app itself, under the name that it expects.
    token_url: `${app}/token`,
    requests_per_minute: 60_000,
  }),
  isRead: ({ method, url = '' }) =>
    url.startsWith('/drive/v3/files/') ||
    (url.startsWith('/v4/') && (method === 'GET' || url.includes('getByDataFilter'))),
  isWrite: ({ method, url = '' }) => url.startsWith('/v4/') && method !== 'GET' && !url.includes('getByDataFilter'),
  throttled: {
    kind: 'status',
    status: 429,
    body: '{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Quota exceeded for quota metric \'Read requests\'."}}',
  },
  sulks: true,
  blind: 'writes',
  byPlace: true,
  // It is all the identity that a row has.
  keysStay: true,
  start: async () => {
    const app = await startSheetsApp({
      service: { client_email: EMAIL, public_key: publicKey },
      documents: [
        { id: DOCUMENT, title: 'Items', tabs: [{ sheetId: 0, title: 'List', rows: [['Key', 'Name', 'Count']] }] },
      ],
      readsPerMinute: 60_000,
      writesPerMinute: 60_000,
    });
    const person = app.person(0);
    const set = (row: number, { name, qty }: Partial<Values>): void => {
      if (name !== undefined) person.set(row, 2, name);
      if (qty !== undefined) person.set(row, 3, qty === 'null' ? null : Number(qty));
    };
    return {
      url: app.url,
      records: () =>
        app
          .seen(0)
          .slice(1)
          .filter(([id = '']) => id !== '')
          .map(([id = '', name, qty]) => ({ id, values: { id, name: text(name), qty: text(qty) } })),
      create: (values) => {
        person.insertRow(2, [values.id, values.name, Number(values.qty)]);
        return values.id;
      },
      edit: (id, change) => {
        set(person.find(1, id), change);
      },
      remove: (id) => {
        person.deleteRow(person.find(1, id));
      },
      stop: () => app.stop(),
    };
  },
};
