import { startPlainApp } from '../../apps/plain/plain-app.ts';
import { text, type AppKind } from './app-kind.ts';
import type { Values } from '../history.ts';

const TOKEN = 'plain-token';
const ITEMS = {
  id: 'items',
  columns: [
    { id: 'ref', type: 'number' },
    { id: 'name', type: 'text' },
    { id: 'qty', type: 'number' },
  ],
} as const;

export const plain: AppKind = {
  name: 'plain',
  system: 'plain',
  env: { PLAIN_TOKEN: TOKEN },
  secret: 'env:PLAIN_TOKEN',
  remote: 'items',
  types: { id: 'integer', name: 'text', qty: 'integer' },
  columns: [
    { local: 'id', remote: 'ref', type: 'number' },
    { local: 'name', remote: 'name' },
    { local: 'qty', remote: 'qty', type: 'number' },
  ],
  settings: ({ gate }) => ({ base_url: gate }),
  isRead: ({ method, url = '' }) => url.includes('/records') && (method === 'GET' || !url.includes('/write')),
  isWrite: ({ url = '' }) => url.includes('/write'),
  throttled: { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
  blind: 'nothing',
  start: async (draws) => {
    const app = await startPlainApp({ token: TOKEN, tables: [ITEMS], idempotency: draws.chance(0.5) });
    const edit = (command: Parameters<typeof app.edit>[1]): string => {
      const result = app.edit('items', command);
      if (!result.ok) throw new Error(result.refusal.message);
      return result.id;
    };
    return {
      url: app.url,
      records: () =>
        app.records('items').map(({ id, version, values }) => ({
          id,
          stamp: version,
          values: { id: exact(values['ref']), name: exact(values['name']), qty: exact(values['qty']) },
        })),
      create: (values) => edit({ op: 'create', values: cells(values) }),
      edit: (id, change) => {
        edit({ op: 'update', id, values: cells(change) });
      },
      remove: (id) => {
        edit({ op: 'delete', id });
      },
      revealAll: () => {
        app.revealAll();
      },
      stop: () => app.stop(),
    };
  },
};

function cells({ id, name, qty }: Partial<Values>): Record<string, unknown> {
  const number = (value: string): number | null => (value === 'null' ? null : Number(value));
  return {
    ...(id === undefined ? {} : { ref: number(id) }),
    ...(name === undefined ? {} : { name: name === 'null' ? null : name }),
    ...(qty === undefined ? {} : { qty: number(qty) }),
  };
}

/** The app keeps exact numbers as their text. */
function exact(value: unknown): string {
  return text(typeof value === 'object' && value !== null && 'number' in value ? value.number : value);
}
