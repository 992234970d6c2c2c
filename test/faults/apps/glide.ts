import { startGlideApp } from '../../apps/glide/glide-app.ts';
import type { Values } from '../history.ts';
import { text, type AppKind } from './app-kind.ts';

const TOKEN = '11111111-2222-4333-8444-555555555555';
const APP = { id: 'mT91fPcZCWigkZXgSZGJ', name: 'Shop' };
const TABLE = {
  id: 'native-table-1c5a',
  name: 'Products',
  big: true,
  columns: [
    { id: 'sku', kind: 'string' },
    { id: 'product_name', kind: 'string' },
    { id: 'yPXU2', name: 'Stock', kind: 'number' },
  ],
} as const;

/** Milliseconds until a mutation shows: the answer of the older API means "queued" only. */
const APPLIED = 50;

const glide: Omit<AppKind, 'name' | 'settings' | 'isRead' | 'isWrite' | 'blind' | 'start'> = {
  system: 'glide',
  env: { GLIDE_TOKEN: TOKEN },
  secret: 'env:GLIDE_TOKEN',
  remote: TABLE.id,
  types: { id: 'text', name: 'text', qty: 'integer' },
  columns: [
    { local: 'id', remote: 'sku' },
    { local: 'name', remote: 'product_name' },
    { local: 'qty', remote: 'yPXU2', type: 'number' },
  ],
  throttled: { kind: 'status', status: 429, body: '{"message":"Too many requests"}' },
};

function start(applyAfter: number): AppKind['start'] {
  return async () => {
    const app = await startGlideApp({ token: TOKEN, app: APP, tables: [TABLE], applyAfter });
    let made = 0;
    return {
      url: app.url,
      records: () =>
        app.rows(TABLE.id).map(({ id, version, cells }) => ({
          id,
          stamp: version,
          values: { id: text(cells['sku']), name: text(cells['product_name']), qty: text(cells['yPXU2']) },
        })),
      create: (values) => {
        made += 1;
        const id = `person-made-row-${String(made).padStart(6, '0')}`;
        app.edit(TABLE.id, { op: 'create', id, cells: cellsOf(values) });
        return id;
      },
      edit: (id, change) => {
        app.edit(TABLE.id, { op: 'update', id, cells: cellsOf(change) });
      },
      remove: (id) => {
        app.edit(TABLE.id, { op: 'delete', id, cells: {} });
      },
      revealAll: () => {
        app.applyAll();
      },
      stop: () => app.stop(),
    };
  };
}

function cellsOf({ id, name, qty }: Partial<Values>): Record<string, unknown> {
  return {
    ...(id === undefined ? {} : { sku: id }),
    ...(name === undefined ? {} : { product_name: name === 'null' ? '' : name }),
    ...(qty === undefined ? {} : { yPXU2: qty === 'null' ? '' : Number(qty) }),
  };
}

/** The API of Big Tables: rows have versions to compare with. */
export const glideBigTables: AppKind = {
  ...glide,
  name: 'glide v2',
  settings: ({ gate }) => ({ mode: 'v2', app_id: APP.id, base_url: gate, requests_per_second: 50 }),
  isRead: ({ method, url = '' }) => url.startsWith('/tables/') && (method === 'GET' || method === 'HEAD'),
  isWrite: ({ method, url = '' }) =>
    (url.startsWith('/tables/') && ['POST', 'PATCH', 'DELETE'].includes(method ?? '')) || url.startsWith('/stashes/'),
  blind: 'deletes',
  start: start(0),
};

/** The older API: queued mutations, and whole tables to read. */
export const glideClassic: AppKind = {
  ...glide,
  name: 'glide classic',
  settings: ({ gate }) => ({
    mode: 'classic',
    app_id: APP.id,
    base_url: gate,
    requests_per_second: 50,
    write_visible_after: 300,
  }),
  isRead: ({ url = '' }) => url.endsWith('/queryTables'),
  isWrite: ({ url = '' }) => url.endsWith('/mutateTables'),
  blind: 'writes',
  start: start(APPLIED),
};
